import { type Command, Option } from "commander";
import { importStates, triggerSchema } from "../../domain/import-record.ts";
import type { ApiClient } from "../api-client.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatList } from "../format-record.ts";
import { createParseTime, parseCount } from "../option-parsers.ts";
import { firstEntries } from "../pages.ts";
import { printJson } from "../print-json.ts";
import { type CommandDeps, openClient } from "./command-deps.ts";

interface Flags {
  readonly state?: string;
  readonly target?: string;
  readonly source?: string;
  readonly repository?: string;
  readonly trigger?: string;
  readonly error?: string;
  readonly since?: string;
  readonly until?: string;
  readonly endedSince?: string;
  readonly limit: number;
  readonly json?: true;
}

/** `drayage list`: imports, newest first. */
export function addListCommand(program: Command, { io, finish }: CommandDeps): void {
  const parseTime = createParseTime(io.now);
  program
    .command("list")
    .description("list imports, newest first")
    .addOption(new Option("--state <state>", "in this state only").choices(importStates))
    .option("--target <registry>", "into this registry only")
    .option("--source <registry>", "from this registry only")
    .option("--repository <repository>", "from or into this repository only")
    .addOption(new Option("--trigger <kind>", "started this way only").choices(triggerSchema.shape.kind.options))
    .option("--error <code>", "that ended with this error only, e.g. SOURCE_NOT_FOUND")
    .option("--since <time>", "not before this time, e.g. 2026-01-31T08:00:00Z or 2h ago", parseTime)
    .option("--until <time>", "not after this time", parseTime)
    .option("--ended-since <time>", "that ended, and not before this time", parseTime)
    .option("--limit <count>", "how many at most", parseCount, 20)
    .option("--json", "print them as a JSON array")
    .action(async (flags: Flags, self: Command) => {
      const records = await listUpTo(openClient(self, io), flags, io.interrupted);
      if (flags.json) printJson(io, records);
      else io.stdout.write(formatList(records));
      finish(exitCodes.done);
    });
}

function listUpTo(client: ApiClient, { limit, json: _, ...filter }: Flags, signal: AbortSignal) {
  return firstEntries(limit, { ...filter }, async (query) => {
    const { imports, continuationToken } = await client.listImports(query, signal);
    return { entries: imports, continuationToken };
  });
}
