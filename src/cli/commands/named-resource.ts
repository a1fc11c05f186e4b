import type { Command } from "commander";
import { stringify } from "yaml";
import type { z } from "zod";
import { exitCodes } from "../exit-codes.ts";
import { collectEntries } from "../pages.ts";
import { printJson } from "../print-json.ts";
import { checkBody, type RequestBody } from "../request-body.ts";
import type { NamedResource } from "../resource-records.ts";
import { createNamedResourcesClient, type NamedResourcesClient, type ResourceKind } from "../resources-client.ts";
import { type BodyFlags, writtenBody } from "../selection-flags.ts";
import { type CommandDeps, openService } from "./command-deps.ts";
import { addHowOptions, addSelectionOptions } from "./selection-options.ts";

/** What the commands of rules and of schedules differ in. */
export interface ResourceCommands<F extends BodyFlags> {
  readonly kind: ResourceKind;
  readonly noun: "rule" | "schedule";
  readonly tags: "filter" | "selection";
  readonly schema: z.ZodObject;
  readonly format: (resources: readonly NamedResource[]) => string;
  /** The flags that only this resource has, and what they say. */
  readonly addOptions: (command: Command) => void;
  readonly toOwn: (flags: F) => RequestBody;
  readonly setExamples: string;
}

interface SetFlags {
  readonly name?: string;
  readonly disabled?: true;
  readonly json?: true;
}

interface JsonFlag {
  readonly json?: true;
}

/** Adds `list`, `show`, `set` and `delete`. */
export function addResourceCommands<F extends BodyFlags>(
  group: Command,
  { io, finish }: CommandDeps,
  resource: ResourceCommands<F>,
): void {
  const { kind, noun } = resource;
  const capital = noun === "rule" ? "Rule" : "Schedule";
  const open = (self: Command): NamedResourcesClient => createNamedResourcesClient(openService(self, io), kind);
  group
    .command("list")
    .description(`list all ${kind}`)
    .option("--json", "print them as a JSON array")
    .action(async ({ json }: JsonFlag, self: Command) => {
      const all = await collectEntries(open(self).list(io.interrupted));
      if (json) printJson(io, all);
      else io.stdout.write(resource.format(all));
      finish(exitCodes.done);
    });
  group
    .command("show")
    .description(`print a ${noun} as YAML, as set -f takes it`)
    .argument("<name>", `name of the ${noun}`)
    .option("--json", "print it as JSON")
    .action(async (name: string, { json }: JsonFlag, self: Command) => {
      const found = await open(self).get(name, io.interrupted);
      if (json) printJson(io, found);
      else io.stdout.write(stringify(pick(found, Object.keys(resource.schema.shape))));
      finish(exitCodes.done);
    });
  const set = group.command("set").description(`make a ${noun}, or replace the one of its name`);
  set.option("--name <name>", `name of the ${noun}; wins over the file's`);
  addSelectionOptions(set, resource.tags);
  addHowOptions(set, "overwrite");
  resource.addOptions(set);
  set
    .option("--disabled", "keep it, but let it start nothing")
    .option("--json", "print it as JSON")
    .addHelpText("after", resource.setExamples)
    .action(async (flags: F & SetFlags, self: Command) => {
      const own = { ...resource.toOwn(flags), name: flags.name, enabled: flags.disabled ? false : undefined };
      const body = checkBody(resource.schema, await writtenBody(flags, own, io));
      const { resource: written, did } = await open(self).put(String(body.name), body, io.interrupted);
      if (flags.json) printJson(io, written);
      else io.stdout.write(`${capital} ${written.name} is ${did}${written.enabled ? "" : ", and disabled"}.\n`);
      finish(exitCodes.done);
    });
  group
    .command("delete")
    .description(`delete a ${noun}; imports that it started go on`)
    .argument("<name>", `name of the ${noun}`)
    .action(async (name: string, _: object, self: Command) => {
      await open(self).delete(name, io.interrupted);
      io.stdout.write(`${capital} ${name} is deleted.\n`);
      finish(exitCodes.done);
    });
}

/** Without what the service tells besides, such as when a schedule runs next: set takes none of it. */
function pick(found: NamedResource, names: readonly string[]): RequestBody {
  return Object.fromEntries(Object.entries(found).filter(([name]) => names.includes(name)));
}
