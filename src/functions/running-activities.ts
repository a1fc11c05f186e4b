export interface RunningActivities {
  /** The same handler; what it does is waited for by `ended`. */
  readonly track: <Outcome>(handler: (raw: unknown) => Promise<Outcome>) => (raw: unknown) => Promise<Outcome>;
  /** Resolves when what runs now has ended, however it did, at the latest after `ms`. */
  readonly ended: (ms: number) => Promise<void>;
}

/** Knows the activities of a process that is about to end: they store how far they came, if they are given the time. */
export function createRunningActivities(): RunningActivities {
  const running = new Set<Promise<unknown>>();
  return {
    track: (handler) => async (raw) => {
      const work = handler(raw);
      running.add(work);
      try {
        return await work;
      } finally {
        running.delete(work);
      }
    },
    ended: async (ms) => {
      const { promise: timeUp, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ms);
      await Promise.race([Promise.allSettled([...running]), timeUp]);
      clearTimeout(timer);
    },
  };
}
