/** A budget of requests; see {@link createTokenBucket}. */
export interface TokenBucket {
  readonly perMinute: number;
  /** Milliseconds until the `count`-th request from now may leave; 0: at once. */
  readonly waitMs: (count: number) => number;
  /** Counts one request. */
  readonly take: () => void;
  /** Requests that may leave now, and what has come together for the next one. */
  readonly free: () => number;
}

const minuteMs = 60_000;
const burstShare = 0.08;
const flowShare = 0.885; // the rest is for requests that arrive closer together than they left: some 2 s

/**
 * A twelfth of a minute's requests may leave at once, the others flow evenly. Together they are less than the limit, so no
 * minute sees more than it, wherever it begins: registries count in windows that we do not know. `before`: the budget
 * whose rate has changed, so that a change gives nothing back that was spent. `elapsedMs` never goes back.
 */
export function createTokenBucket(perMinute: number, elapsedMs: () => number, before?: TokenBucket): TokenBucket {
  const capacity = Math.max(1, Math.floor(perMinute * burstShare));
  const msPerToken = minuteMs / (perMinute * flowShare);
  let tokens = Math.min(capacity, before?.free() ?? capacity);
  let countedAtMs = elapsedMs();

  const refill = (): void => {
    const nowMs = elapsedMs();
    tokens = Math.min(capacity, tokens + (nowMs - countedAtMs) / msPerToken);
    countedAtMs = nowMs;
  };

  return {
    perMinute,
    waitMs: (count) => {
      refill();
      return Math.max(0, Math.ceil((count - tokens) * msPerToken));
    },
    take: () => {
      refill();
      tokens -= 1;
    },
    free: () => {
      refill();
      return tokens;
    },
  };
}
