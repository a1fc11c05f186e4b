import type { Command } from "commander";
import { readAnswer } from "../api-call.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatCheck } from "../format-registry.ts";
import { printJson } from "../print-json.ts";
import { checkedRegistrySchema, isUsable } from "../registry-records.ts";
import { type CommandDeps, openService } from "./command-deps.ts";

interface Flags {
  readonly repository?: string;
  readonly json?: true;
}

/** `drayage login-check HOST`: whether the service can use a registry, and what to do where it cannot. */
export function addLoginCheckCommand(program: Command, { io, finish }: CommandDeps): void {
  program
    .command("login-check")
    .description("try what imports need at a registry, with the credentials of the service's settings")
    .argument("<registry>", "host, alias or name of the registry")
    .option("--repository <name>", "try pull and push there; nothing is left there")
    .option("--json", "print what was found as JSON")
    .action(async (registry: string, { repository, json }: Flags, self: Command) => {
      const path = `/api/registries/${encodeURIComponent(registry)}/check`;
      const body = repository === undefined ? {} : { repository };
      const answer = await openService(self, io)({ method: "POST", path, body }, io.interrupted);
      const record = readAnswer(checkedRegistrySchema, answer);
      if (json) printJson(io, record);
      else io.stdout.write(formatCheck(record));
      finish(isUsable(record) ? exitCodes.done : exitCodes.importFailed);
    });
}
