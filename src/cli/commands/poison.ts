import type { Command } from "commander";
import { exitCodes } from "../exit-codes.ts";
import { formatPoison, formatPoisonDetails } from "../format-resources.ts";
import { parseCount } from "../option-parsers.ts";
import { firstEntries } from "../pages.ts";
import { printJson } from "../print-json.ts";
import { createPoisonClient, type PoisonClient } from "../resources-client.ts";
import { type CommandDeps, openService } from "./command-deps.ts";

interface JsonFlag {
  readonly json?: true;
}

/** `drayage poison …`: queue messages that were given up. */
export function addPoisonCommand(program: Command, { io, finish }: CommandDeps): void {
  const group = program
    .command("poison")
    .description("queue messages that were given up")
    .addHelpText("after", examples);
  const open = (self: Command): PoisonClient => createPoisonClient(openService(self, io));
  group
    .command("list")
    .description("list them, newest first")
    .option("--limit <count>", "how many at most", parseCount, 20)
    .option("--json", "print them as a JSON array")
    .action(async ({ limit, json }: JsonFlag & { readonly limit: number }, self: Command) => {
      const client = open(self);
      const messages = await firstEntries(limit, {}, (query) => client.list(query, io.interrupted));
      if (json) printJson(io, messages);
      else io.stdout.write(formatPoison(messages));
      finish(exitCodes.done);
    });
  group
    .command("show")
    .description("show a message with its body")
    .argument("<id>", "id of the message")
    .option("--json", "print it as JSON")
    .action(async (id: string, { json }: JsonFlag, self: Command) => {
      const message = await open(self).get(id, io.interrupted);
      if (json) printJson(io, message);
      else io.stdout.write(formatPoisonDetails(message));
      finish(exitCodes.done);
    });
  group
    .command("requeue")
    .description("send messages once more, as the same imports")
    .argument("<id...>", "ids of the messages")
    .action(async (ids: readonly string[], _: object, self: Command) => {
      const client = open(self);
      for (const id of ids) {
        const { importId } = await client.requeue(id, io.interrupted);
        io.stdout.write(`Message ${id} is in the queue again${importId === undefined ? "" : `, as ${importId}`}.\n`);
      }
      finish(exitCodes.done);
    });
  group
    .command("delete")
    .description("forget messages")
    .argument("<id...>", "ids of the messages")
    .action(async (ids: readonly string[], _: object, self: Command) => {
      const client = open(self);
      for (const id of ids) {
        await client.delete(id, io.interrupted);
        io.stdout.write(`Message ${id} is deleted.\n`);
      }
      finish(exitCodes.done);
    });
}

const examples = `
Examples:
  drayage poison list
  drayage poison requeue ID`;
