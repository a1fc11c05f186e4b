import { type ErrorPlace, ImportError } from "../errors.ts";
import { codeOf } from "./errors-from-response.ts";
import type { RequestClass } from "./registry.ts";

export interface HostLimitsOptions {
  /** Requests in flight per class. */
  readonly requestsPerHost: number;
  readonly maxWaitSeconds: number;
  readonly now: () => Date;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** What one host may be asked at once and when, for everybody in this process. */
export interface HostLimits {
  /**
   * Waits for a free place among the requests of a class, first come first served, and until no pause is on. Returns
   * the function that gives the place back. A pause longer than `maxWaitSeconds` is thrown, not waited for.
   */
  readonly enter: (requestClass: RequestClass, place: ErrorPlace, signal: AbortSignal) => Promise<() => void>;
  /** Holds back requests of one class, or all, for `ms` from now. A longer pause that is on already stays. */
  readonly pause: (what: RequestClass | "all", ms: number) => void;
}

/**
 * Every class has places of its own: registries count them apart, and a download that waits for its upload to begin
 * must not take the place which that upload needs.
 */
export function createHostLimits({ requestsPerHost, maxWaitSeconds, now, sleep }: HostLimitsOptions): HostLimits {
  const places = new Map<RequestClass, Semaphore>();
  const pausedUntilMs = new Map<RequestClass | "all", number>();

  const pauseLeftMs = (requestClass: RequestClass): number => {
    const untilMs = Math.max(pausedUntilMs.get(requestClass) ?? 0, pausedUntilMs.get("all") ?? 0);
    return untilMs - now().getTime();
  };

  const waitForPause = async (requestClass: RequestClass, place: ErrorPlace, signal: AbortSignal): Promise<void> => {
    for (let leftMs = pauseLeftMs(requestClass); leftMs > 0; leftMs = pauseLeftMs(requestClass)) {
      if (leftMs > maxWaitSeconds * 1_000) throw pausedError(place, Math.ceil(leftMs / 1_000));
      await sleep(leftMs, signal);
    }
  };

  return {
    enter: async (requestClass, place, signal) => {
      const semaphore = places.get(requestClass) ?? createSemaphore(requestsPerHost);
      places.set(requestClass, semaphore);
      const leave = await semaphore.acquire(signal);
      try {
        await waitForPause(requestClass, place, signal);
        return leave;
      } catch (thrown) {
        leave();
        throw thrown;
      }
    },
    pause: (what, ms) => {
      pausedUntilMs.set(what, Math.max(pausedUntilMs.get(what) ?? 0, now().getTime() + ms));
    },
  };
}

export interface Semaphore {
  /** Waits for a permit; the function it returns gives it back and may be called again without effect. */
  readonly acquire: (signal: AbortSignal) => Promise<() => void>;
}

/** Hands out permits in the order they were asked for. Who is aborted while waiting leaves the queue. */
export function createSemaphore(permits: number): Semaphore {
  let free = permits;
  const waiting = new Set<() => void>(); // a Set keeps the order, and lets go from its middle

  const permit = (): (() => void) => {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const [next] = waiting;
      if (next === undefined) free += 1;
      else next();
    };
  };

  return {
    acquire: async (signal) => {
      signal.throwIfAborted();
      if (free > 0) {
        free -= 1;
        return permit();
      }
      return await new Promise((resolve, reject) => {
        const leave = () => {
          waiting.delete(admit);
          signal.removeEventListener("abort", abort);
        };
        const admit = () => {
          leave();
          resolve(permit());
        };
        const abort = () => {
          leave();
          reject(signal.reason);
        };
        waiting.add(admit);
        signal.addEventListener("abort", abort, { once: true });
      });
    },
  };
}

function pausedError(place: ErrorPlace, retryAfterSeconds: number): ImportError {
  return new ImportError({
    ...place,
    code: codeOf(place, "RATE_LIMITED"),
    what: `the registry has asked for no requests for another ${retryAfterSeconds} s`,
    retryable: true,
    retryAfterSeconds,
  });
}
