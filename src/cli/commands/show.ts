import type { Command } from "commander";
import type { PartView } from "../api-records.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatDetails, formatParts } from "../format-record.ts";
import { printJson } from "../print-json.ts";
import { type CommandDeps, openClient } from "./command-deps.ts";

/** `drayage show ID`: one import, with its manifests and blobs if asked. */
export function addShowCommand(program: Command, { io, finish }: CommandDeps): void {
  program
    .command("show")
    .description("show an import")
    .argument("<id>", "id of the import")
    .option("--parts", "its manifests and blobs too")
    .option("--json", "print the record as JSON; with --parts it has a property parts")
    .action(async (id: string, flags: { readonly parts?: true; readonly json?: true }, self: Command) => {
      const client = openClient(self, io);
      const { record } = await client.getImport(id, undefined, io.interrupted);
      const parts: PartView[] = [];
      if (flags.parts) for await (const part of client.listParts(id, io.interrupted)) parts.push(part);
      if (flags.json) printJson(io, flags.parts ? { ...record, parts } : record);
      else {
        if (record !== undefined) io.stdout.write(formatDetails(record));
        if (flags.parts) io.stdout.write(`\n${formatParts(parts)}`);
      }
      finish(exitCodes.done);
    });
}
