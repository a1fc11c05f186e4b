import type { ImportError } from "../errors.ts";

/** Between two tries of a step: what has been refused or has failed several times is not better a moment later. */
const defaultWaitSeconds = 10;

/**
 * How long a step waits after an error that may pass: as long as the registry says, and not shorter than where it says
 * nothing. A `Retry-After` of nothing, a past date or GHCR's microseconds would use up an import's rounds at once.
 */
export function waitSecondsAfter({ retryAfterSeconds }: Pick<ImportError, "retryAfterSeconds">): number {
  return Math.max(defaultWaitSeconds, retryAfterSeconds ?? 0);
}
