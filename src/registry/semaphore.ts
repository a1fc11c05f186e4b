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
