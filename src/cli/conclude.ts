import { hasEnded } from "../domain/import-record.ts";
import type { ImportView } from "./api-records.ts";
import type { CliIo } from "./cli-io.ts";
import { type ExitCode, exitCodeOfImport, exitCodes } from "./exit-codes.ts";
import type { FollowOutcome } from "./follow.ts";
import { formatOutcome } from "./progress-display.ts";

export type OutputFormat = "text" | "json";

/** Prints how the follow ended, and answers the exit code. */
export function concludeFollow(outcome: FollowOutcome, format: OutputFormat, io: CliIo): ExitCode {
  const { record } = outcome;
  switch (outcome.kind) {
    case "interrupted":
      io.stderr.write(`Interrupted; import ${record.id} goes on.\n${whatNext(record)}`);
      return exitCodes.interrupted;
    case "wait-over":
      if (format === "json") printJson(io, record);
      io.stderr.write(`--wait is over; import ${record.id} goes on (${record.state}).\n${whatNext(record)}`);
      return exitCodes.waitOver;
    case "ended":
      return concludeEnded(record, format, io);
  }
}

/** Prints an import that was started and is not waited for. */
export function concludeStarted(record: ImportView, format: OutputFormat, io: CliIo): ExitCode {
  if (hasEnded(record.state)) return concludeEnded(record, format, io); // the repeat of a request with the same key
  if (format === "json") printJson(io, record);
  else io.stdout.write(`Import ${record.id} has started.\n${whatNext(record)}`);
  return exitCodes.done;
}

/** The value as indented JSON on standard output. */
export function printJson(io: CliIo, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

function concludeEnded(record: ImportView, format: OutputFormat, io: CliIo): ExitCode {
  const exitCode = exitCodeOfImport(record.state, record.error?.code) ?? exitCodes.done;
  if (format === "json") printJson(io, record);
  else (exitCode === exitCodes.done ? io.stdout : io.stderr).write(formatOutcome(record));
  return exitCode;
}

function whatNext({ id }: ImportView): string {
  return `  look at it: drayage show ${id}\n  stop it:    drayage cancel ${id}\n`;
}
