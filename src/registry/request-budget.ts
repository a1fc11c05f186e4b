import { chargedClasses, perMinuteOf, type RateLimits } from "./rate-limits.ts";
import type { RequestClass } from "./request-class.ts";
import { createTokenBucket, type TokenBucket } from "./token-bucket.ts";

export interface RequestBudgetDeps {
  /** Processes that share what a registry grants: each takes its part. */
  readonly limitShares: number;
  /** A clock that nobody sets back. */
  readonly elapsedMs: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** What one account may ask of one host a minute, by class. */
export interface RequestBudget {
  readonly isLimited: (requestClass: RequestClass) => boolean;
  /** Milliseconds until a request may leave that comes after `ahead` others; 0: at once. */
  readonly waitMs: (requestClass: RequestClass, ahead: number) => number;
  /** Waits for the turn of a request, and counts it. */
  readonly pay: (requestClass: RequestClass, signal: AbortSignal) => Promise<void>;
  /** The host has counted more than was thought: the next lower limits hold, where there are some. */
  readonly exceeded: (requestClass: RequestClass) => void;
}

/** What an account has spent and met by now, whoever asks with which limits. */
export interface Spending {
  readonly buckets: Map<RequestClass, TokenBucket>;
  /** How often the host has refused what was thought to be granted, and when it did so last. */
  readonly steps: Map<RequestClass, { readonly count: number; readonly atMs: number }>;
}

const stepsLastMs = 3_600_000;

/** `rates`: what the host grants, the likeliest first; asked again at each request, since a host may be recognised late. */
export function createRequestBudget(
  { buckets, steps }: Spending,
  rates: () => readonly RateLimits[],
  { limitShares, elapsedMs, sleep }: RequestBudgetDeps,
): RequestBudget {
  /** For an hour: a refusal may be the doing of others who use the same account. */
  const stepsOf = (requestClass: RequestClass): number => {
    const known = steps.get(requestClass);
    return known === undefined || elapsedMs() - known.atMs >= stepsLastMs ? 0 : known.count;
  };

  /** Made anew when the rate changes: at a step down, when the host is recognised, or for a registry that shares it. */
  const bucketOf = (requestClass: RequestClass): TokenBucket | undefined => {
    const granted = rates();
    const step = Math.min(stepsOf(requestClass), granted.length - 1);
    const perMinute = perMinuteOf(granted[step], requestClass);
    if (perMinute === undefined) return undefined;
    const known = buckets.get(requestClass);
    const share = perMinute / limitShares;
    if (known?.perMinute === share) return known;
    const bucket = createTokenBucket(share, elapsedMs, known);
    buckets.set(requestClass, bucket);
    return bucket;
  };
  const bucketsFor = (requestClass: RequestClass): readonly TokenBucket[] =>
    chargedClasses(requestClass).flatMap((charged) => bucketOf(charged) ?? []);

  const waitMs = (requestClass: RequestClass, ahead: number): number =>
    Math.max(0, ...bucketsFor(requestClass).map((bucket) => bucket.waitMs(ahead + 1)));

  return {
    isLimited: (requestClass) => bucketsFor(requestClass).length > 0,
    waitMs,
    pay: async (requestClass, signal) => {
      for (let ms = waitMs(requestClass, 0); ms > 0; ms = waitMs(requestClass, 0)) await sleep(ms, signal);
      for (const bucket of bucketsFor(requestClass)) bucket.take();
    },
    exceeded: (requestClass) => {
      for (const charged of chargedClasses(requestClass))
        steps.set(charged, { count: stepsOf(charged) + 1, atMs: elapsedMs() });
    },
  };
}
