/** An effect that happens once for all who wait for it, and again after a failure or a reset. */
export interface Once {
  readonly done: () => Promise<void>;
  readonly reset: () => void;
}

/** `run` as a {@link Once}. */
export function createOnce(run: () => Promise<void>): Once {
  let running: Promise<void> | undefined;
  const reset = (): void => {
    running = undefined;
  };
  return {
    done: () => {
      running ??= run().catch((thrown: unknown) => {
        reset(); // the next one who needs it tries again
        throw thrown;
      });
      return running;
    },
    reset,
  };
}
