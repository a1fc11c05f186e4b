import type { ApiClient, ImportLook } from "./api-client.ts";
import { CliError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { concludeFollow, concludeStarted, type OutputFormat } from "./conclude.ts";
import { createDisplay, type Display } from "./display.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { followImport, WaitOver } from "./follow.ts";

export interface FollowSettings {
  /** Seconds to follow at most, false for not at all, undefined for until the end. */
  readonly wait: number | false | undefined;
  readonly format: OutputFormat;
}

export interface FollowCommandDeps {
  readonly client: ApiClient;
  readonly io: CliIo;
}

/** Starts (or retries) an import by `start`, follows it as the settings say, and prints how it ended. */
export async function startAndFollow(
  { client, io }: FollowCommandDeps,
  { wait, format }: FollowSettings,
  start: (display: Pick<Display, "note">) => Promise<ImportLook>,
): Promise<ExitCode> {
  const display = createDisplay(io, format);
  const over = new AbortController();
  const timer =
    typeof wait === "number"
      ? setTimeout(() => over.abort(new WaitOver()), Math.min(wait * 1000, maxTimerMs))
      : undefined;
  try {
    const first = await start(display);
    const { record } = first;
    if (record === undefined) throw emptyAnswer();
    if (wait === false) return concludeStarted(record, format, io);
    const signal = AbortSignal.any([io.interrupted, over.signal]);
    return concludeFollow(await followImport({ client, display, io }, { ...first, record }, signal), format, io);
  } finally {
    clearTimeout(timer);
  }
}

function emptyAnswer(): CliError {
  return new CliError({ exitCode: exitCodes.serviceUnavailable, message: "the service answered without a record" });
}

const maxTimerMs = 2 ** 31 - 1; // a longer timer fires at once
