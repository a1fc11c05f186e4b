import type { Look } from "./api-call.ts";
import { CliError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { createDisplay, type Display, type RecordViews } from "./display.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import {
  type FirstLook,
  type Followed,
  type FollowedRecord,
  type FollowOutcome,
  follow,
  Interrupted,
  WaitOver,
} from "./follow.ts";
import { type OutputFormat, printJson } from "./print-json.ts";

export interface FollowSettings {
  /** Seconds to follow at most, false for not at all, undefined for until the end. */
  readonly wait: number | false | undefined;
  readonly format: OutputFormat;
}

/** Something that commands start and follow. */
export interface FollowedCommand<R> extends Followed<R> {
  readonly views: RecordViews<R>;
  /** Prints how it ended, and answers the exit code. */
  readonly conclude: (record: R, format: OutputFormat) => Promise<ExitCode>;
  /** Called when `--wait` is over. */
  readonly leave?: (record: R) => Promise<void>;
}

/** Starts (or retries) something by `start`, follows it as the settings say, and prints how it ended. */
export async function startAndFollow<R extends FollowedRecord>(
  io: CliIo,
  followed: FollowedCommand<R>,
  { wait, format }: FollowSettings,
  start: (display: Pick<Display<R>, "note">) => Promise<Look<R>>,
): Promise<ExitCode> {
  const display = createDisplay(io, format, followed.views);
  const over = new AbortController();
  const timer =
    typeof wait === "number"
      ? setTimeout(() => over.abort(new WaitOver()), Math.min(wait * 1000, maxTimerMs))
      : undefined;
  try {
    const first = await begin(io, followed, () => start(display));
    if (first === undefined) return exitCodes.interrupted;
    if (wait === false) return await concludeStarted(io, followed, first.record, format);
    const signal = AbortSignal.any([io.interrupted, over.signal]);
    return await concludeFollow(io, followed, await follow({ display, io }, followed, first, signal), format);
  } finally {
    clearTimeout(timer);
  }
}

/** The first look, or undefined at Ctrl-C, which leaves open whether anything has started. */
async function begin<R extends FollowedRecord>(
  io: CliIo,
  { noun, commands }: Followed<R>,
  start: () => Promise<Look<R>>,
): Promise<FirstLook<R> | undefined> {
  try {
    const look = await start();
    if (look.record === undefined) throw emptyAnswer();
    return { ...look, record: look.record };
  } catch (thrown) {
    if (!(thrown instanceof Interrupted)) throw thrown;
    const article = noun === "import" ? "an" : "a";
    io.stderr.write(
      `Interrupted before the service answered; \`${commands.list}\` shows whether ${article} ${noun} has started.\n`,
    );
    return undefined;
  }
}

async function concludeFollow<R extends FollowedRecord>(
  io: CliIo,
  followed: FollowedCommand<R>,
  { kind, record }: FollowOutcome<R>,
  format: OutputFormat,
): Promise<ExitCode> {
  const { noun } = followed;
  switch (kind) {
    case "interrupted":
      io.stderr.write(`Interrupted; ${noun} ${record.id} goes on.\n${whatNext(followed, record)}`);
      return exitCodes.interrupted;
    case "wait-over":
      if (format === "json") printJson(io, record);
      io.stderr.write(`--wait is over; ${noun} ${record.id} goes on (${record.state}).\n${whatNext(followed, record)}`);
      await followed.leave?.(record);
      return exitCodes.waitOver;
    case "ended":
      return followed.conclude(record, format);
  }
}

/** Prints what was started and is not waited for. */
async function concludeStarted<R extends FollowedRecord>(
  io: CliIo,
  followed: FollowedCommand<R>,
  record: R,
  format: OutputFormat,
): Promise<ExitCode> {
  if (followed.hasEnded(record)) return followed.conclude(record, format); // the repeat of a request with the same key
  if (format === "json") printJson(io, record);
  else {
    const noun = followed.noun === "import" ? "Import" : "Promotion";
    io.stdout.write(`${noun} ${record.id} has started.\n${whatNext(followed, record)}`);
  }
  return exitCodes.done;
}

function whatNext<R>({ commands }: Followed<R>, { id }: FollowedRecord): string {
  return `  look at it: ${commands.show} ${id}\n  stop it:    ${commands.cancel} ${id}\n`;
}

function emptyAnswer(): CliError {
  return new CliError({ exitCode: exitCodes.serviceUnavailable, message: "the service answered without a record" });
}

const maxTimerMs = 2 ** 31 - 1; // a longer timer fires at once
