import { ImportError } from "../errors.ts";
import type { AccountLimits } from "./limits.ts";
import type { RegistryAccess, RegistryRequest } from "./registry.ts";
import type { RequestClass } from "./request-class.ts";

export interface RetryDeps {
  /** Tries in all. */
  readonly attempts: number;
  readonly maxWaitSeconds: number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

export interface RetryOptions {
  readonly mode: NonNullable<RegistryRequest["retry"]>;
  readonly access: RegistryAccess;
  readonly requestClass: RequestClass;
  readonly limits: AccountLimits;
  readonly isBackground: boolean;
  /** Whether an error is that of another host, which the registry has led to: nobody else is to be held back for it. */
  readonly isElsewhere: (error: ImportError) => boolean;
}

interface FailedTry extends RetryOptions {
  /** How many there were, this one included. */
  readonly tries: number;
  /** What the host had answered before the first of them. */
  readonly answersBefore: number;
}

/**
 * Makes a request until it succeeds or fails for good, and tells the host's limits what each failure says about it:
 * 429 pauses the class, 503 and a failed connection the host, so that nobody else runs into the same wall. Where it goes
 * on refusing when the tries are used up, it is left alone for longer, whatever its `Retry-After` says.
 */
export function createRetry({ attempts, maxWaitSeconds, random, sleep, log }: RetryDeps) {
  /** Errors that a call has met: one that needed it (a request its token) does not begin anew. */
  const known = new WeakSet<ImportError>();

  const recover = async (error: ImportError, failed: FailedTry, signal: AbortSignal): Promise<void> => {
    const { mode, access, requestClass, limits, isBackground, tries, answersBefore } = failed;
    const { registry, side } = access;
    // One of the other side came out of the body that was being sent, a known one of what this call needed.
    if (error.side !== side || known.has(error)) throw error;
    known.add(error);
    if (hasAnswered(error, failed)) limits.answered(requestClass);
    if (!error.retryable) throw error;
    const waitMs = Math.max((error.retryAfterSeconds ?? 0) * 1_000, backoffMs(tries, random));
    const paused = holdBack(error, waitMs, failed);
    const refused = isRefusal(error) ? paused : undefined;
    const isSpent = tries >= attempts || (refused !== undefined && limits.isRefusing(requestClass));
    if (isSpent && refused !== undefined && !isBackground) limits.gaveUp(refused, reasonOf(error), answersBefore);
    if (mode === "once" || isSpent || waitMs > maxWaitSeconds * 1_000) throw error;
    log("registry.retry", { registry, side, code: error.code, httpStatus: error.httpStatus, tries, waitMs });
    if (paused === undefined) await sleep(waitMs, signal); // else the pause is what the next try waits for
  };

  return async <T>(options: RetryOptions, attempt: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    const answersBefore = options.limits.answers();
    for (let tries = 1; ; tries += 1) {
      try {
        const answer = await attempt();
        options.limits.answered(options.requestClass);
        return answer;
      } catch (thrown) {
        signal.throwIfAborted();
        if (!(thrown instanceof ImportError)) throw thrown;
        await recover(thrown, { ...options, tries, answersBefore }, signal);
      }
    }
  };
}

/** Full jitter below a ceiling that doubles from 250 ms to 20 s. */
export function backoffMs(tries: number, random: () => number): number {
  return random() * Math.min(20_000, 250 * 2 ** (tries - 1));
}

function pausedBy({ httpStatus, code }: ImportError, requestClass: RequestClass): RequestClass | "all" | undefined {
  if (httpStatus === 429) return requestClass;
  const isConnectionFailure = httpStatus === undefined && code.endsWith("_UNAVAILABLE");
  return httpStatus === 503 || isConnectionFailure ? "all" : undefined;
}

/** Lets others wait where one has failed, and says what of. Another host's failure holds nobody back here. */
function holdBack(error: ImportError, waitMs: number, { requestClass, limits, isElsewhere }: RetryOptions) {
  const paused = isElsewhere(error) ? undefined : pausedBy(error, requestClass);
  if (paused === undefined) return undefined;
  limits.pause(paused, waitMs, reasonOf(error));
  if (error.httpStatus === 429) limits.exceeded(requestClass);
  return paused;
}

/** A refusal of what was asked for is an answer, and so is where a redirect leads: only 429 and 503 refuse to be asked. */
function hasAnswered(error: ImportError, { isElsewhere }: RetryOptions): boolean {
  return isElsewhere(error) || (error.httpStatus !== undefined && !isRefusal(error));
}

function isRefusal({ httpStatus }: ImportError): boolean {
  return httpStatus === 429 || httpStatus === 503;
}

function reasonOf({ httpStatus }: ImportError): string {
  return httpStatus === undefined ? "it cannot be reached" : `it has answered ${httpStatus}`;
}

/**
 * Seconds that a `Retry-After` asks to wait: a number, which may be fractional, an HTTP date, or a Go duration as
 * GHCR sends it (`880.092µs`: dependabot/cli#380). Undefined when it says nothing that can be read.
 */
export function parseRetryAfter(value: string | undefined, now: Date): number | undefined {
  const text = value?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  if (/^(\d+(\.\d+)?(ns|us|µs|μs|ms|s|m|h))+$/.test(text)) {
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h)/g)];
    return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (secondsPer[unit ?? ""] ?? 0), 0);
  }
  const dateMs = /^[A-Za-z]{3}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : Math.max(0, (dateMs - now.getTime()) / 1_000);
}

const secondsPer: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6, // micro sign
  μs: 1e-6, // Greek letter mu
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3_600,
};
