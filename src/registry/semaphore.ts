export interface Semaphore {
  /** Waits for a permit; the function it returns gives it back and may be called again without effect. */
  readonly acquire: (signal: AbortSignal) => Promise<() => void>;
  /** A permit, if one is free. */
  readonly tryAcquire: () => (() => void) | undefined;
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

  const tryAcquire = (): (() => void) | undefined => {
    if (free === 0) return undefined;
    free -= 1;
    return permit();
  };

  return {
    tryAcquire,
    acquire: async (signal) => {
      signal.throwIfAborted();
      const permitted = tryAcquire();
      if (permitted !== undefined) return permitted;
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
