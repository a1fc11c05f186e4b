/** Runs at most so many pieces of work at once, in the order in which they came. */
export interface Limiter {
  /** `work` must not reject. */
  readonly run: (work: () => Promise<void>) => void;
  readonly isIdle: () => boolean;
  /** Drops what has not begun. */
  readonly clear: () => void;
}

export function createLimiter(maxRunning: number, onIdle: () => void): Limiter {
  let waiting: (() => Promise<void>)[] = [];
  let head = 0;
  let running = 0;

  function next(): void {
    while (running < maxRunning && head < waiting.length) {
      const work = waiting[head];
      head += 1;
      if (head === waiting.length) {
        waiting = [];
        head = 0;
      }
      if (!work) return;
      running += 1;
      work().finally(() => {
        running -= 1;
        next();
        if (running === 0) onIdle();
      });
    }
  }

  return {
    run(work) {
      waiting.push(work);
      next();
    },
    isIdle: () => running === 0 && head === waiting.length,
    clear() {
      waiting = [];
      head = 0;
    },
  };
}
