import type { Command } from "commander";
import { exitCodes } from "../exit-codes.ts";
import { printJson } from "../print-json.ts";
import { type CommandDeps, openClient } from "./command-deps.ts";

/** `drayage cancel ID`: asks the service to stop an import; transfers stop within seconds. */
export function addCancelCommand(program: Command, { io, finish }: CommandDeps): void {
  program
    .command("cancel")
    .description("cancel an import that runs")
    .argument("<id>", "id of the import")
    .option("--json", "print the record as JSON")
    .action(async (id: string, flags: { readonly json?: true }, self: Command) => {
      const record = await openClient(self, io).cancelImport(id, io.interrupted);
      if (flags.json) printJson(io, record);
      else if (record.state === "Cancelled") io.stdout.write(`Import ${record.id} is cancelled.\n`);
      else io.stdout.write(`Import ${record.id} will stop within seconds (${record.state} now).\n`);
      finish(exitCodes.done);
    });
}
