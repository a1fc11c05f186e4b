import { CliError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";

export interface RepeatDeps {
  readonly io: Pick<CliIo, "now" | "sleep" | "interrupted">;
  /** Says something besides. */
  readonly note: (text: string) => void;
}

export interface KeyedPost<T> {
  readonly noun: "import" | "promotion";
  readonly idempotencyKey: string;
  readonly send: (signal: AbortSignal) => Promise<T>;
}

/**
 * Sends a request that has an Idempotency-Key. Where the answer is lost, what it asks for may have started: the request
 * is repeated, which finds that or starts it, for up to a minute (the service may be restarting). A first request that was
 * refused or never reached the service is not repeated.
 */
export async function postWithKey<T>(deps: RepeatDeps, post: KeyedPost<T>, maxSeconds: number): Promise<T> {
  const { noun, idempotencyKey } = post;
  const why = `repeating the request with its idempotency key, which starts no second ${noun}`;
  return repeatLost(deps, { why, maxSeconds, send: post.send, again: post.send }, (thrown) =>
    withHint(
      thrown,
      `the ${noun} may have started all the same; repeat with --idempotency-key ${idempotencyKey} to have it once`,
    ),
  );
}

export interface RetryPost<R> {
  readonly noun: "import" | "promotion";
  readonly send: (signal: AbortSignal) => Promise<R>;
  readonly look: (signal: AbortSignal) => Promise<R>;
  /** Which attempt is the last one of a record that was looked at. */
  readonly attemptOf: (seen: R) => number | undefined;
}

/**
 * Asks for another attempt. It has no key: where the answer is lost and the repeat is refused (409) because an attempt
 * runs or has ended well, that attempt is the one that was asked for, and is returned as if it had been the answer.
 */
export async function postRetry<R>(deps: RepeatDeps, retry: RetryPost<R>): Promise<R> {
  const again = async (signal: AbortSignal): Promise<R> => {
    try {
      return await retry.send(signal);
    } catch (thrown) {
      if (!(thrown instanceof CliError) || thrown.httpStatus !== 409) throw thrown;
      if (thrown.code === "CREDENTIALS_REQUIRED") throw thrown;
      const seen = await retry.look(signal);
      if ((retry.attemptOf(seen) ?? 1) < 2) throw thrown; // there was no second attempt: the refusal is true
      return seen;
    }
  };
  return repeatLost(deps, { why: "repeating the request", maxSeconds: Infinity, send: retry.send, again }, (thrown) =>
    withHint(thrown, `the ${retry.noun} may have been started again all the same; look at it first`),
  );
}

interface Repeated<T> {
  readonly why: string;
  readonly maxSeconds: number;
  readonly send: (signal: AbortSignal) => Promise<T>;
  readonly again: (signal: AbortSignal) => Promise<T>;
}

async function repeatLost<T>(
  { io, note }: RepeatDeps,
  { why, maxSeconds, send, again }: Repeated<T>,
  gaveUp: (last: CliError) => CliError,
): Promise<T> {
  try {
    return await send(io.interrupted);
  } catch (thrown) {
    if (!isAnswerLost(thrown)) throw thrown;
    note(`${thrown.message}; ${why}`);
  }
  const patienceMs = Math.min(maxSeconds * 1000, repeatMs);
  const lostAt = io.now();
  for (;;) {
    await io.sleep(pauseMs, io.interrupted);
    try {
      const answer = await again(io.interrupted);
      note("the service answers again");
      return answer;
    } catch (thrown) {
      if (!(thrown instanceof CliError) || !thrown.isPassing) throw thrown;
      if (io.now() - lostAt >= patienceMs) throw gaveUp(thrown);
    }
  }
}

const repeatMs = 60_000;
const pauseMs = 2000;
const neverSent: ReadonlySet<string | undefined> = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ENETUNREACH"]);

function isAnswerLost(thrown: unknown): thrown is CliError {
  if (!(thrown instanceof CliError)) return false;
  return thrown.isPassing && thrown.httpStatus === undefined && !neverSent.has(thrown.code);
}

/** The error with a hint that says what may have happened all the same. */
function withHint(error: CliError, hint: string): CliError {
  const { exitCode, code, httpStatus, message } = error;
  return new CliError({ exitCode, code, httpStatus, message, hint, cause: error });
}
