/** Time as the engine sees it. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Runs `action` once `atMs` has come; the result stops that. */
  readonly setTimer: (atMs: number, action: () => void) => () => void;
}

const maxTimeoutMs = 2 ** 31 - 1; // setTimeout fires at once beyond this

/** The clock of the machine. Delays beyond 24 days are waited for in parts. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(atMs, action) {
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const leftMs = atMs - Date.now();
      handle = leftMs > 0 ? setTimeout(arm, Math.min(leftMs, maxTimeoutMs)) : setTimeout(action, 0);
    };
    arm();
    return () => clearTimeout(handle);
  },
};
