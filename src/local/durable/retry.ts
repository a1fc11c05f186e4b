import type { RetryOptions } from "./actions.ts";

/**
 * When the timer after failed try `attempt` (from 1) fires; undefined where the host makes none and the SDK waits for it
 * for ever. After the last try there is a timer without delay all the same, and the SDK counts on its id.
 * Source: DTFx RetryInterceptor.ComputeNextDelay; recorded in g-retryExhaust.
 */
export function nextRetryAtMs(
  options: RetryOptions,
  attempt: number,
  firstAtMs: number,
  nowMs: number,
): number | undefined {
  if (attempt >= options.maxNumberOfAttempts) return nowMs;
  const timeoutMs = options.retryTimeoutInMilliseconds;
  if (timeoutMs !== undefined && firstAtMs + timeoutMs <= nowMs) return undefined;
  const delayMs = options.firstRetryIntervalInMilliseconds * options.backoffCoefficient ** (attempt - 1);
  return nowMs + Math.min(delayMs, options.maxRetryIntervalInMilliseconds);
}
