import type { TimerClock } from "../../src/local/functions-host/timer-listener.ts";

/** A clock that stands still until a test moves it. */
export interface HandClock extends TimerClock {
  /** Moves to `to` and calls back whatever is due by then, the earliest first. */
  readonly moveTo: (to: string) => void;
  /** When the next callback is due. */
  readonly nextWake: () => string | undefined;
}

export function createHandClock(start: string): HandClock {
  let now = new Date(start);
  const wakes = new Set<{ at: Date; callback: () => void }>();
  const earliest = () => [...wakes].sort((a, b) => a.at.getTime() - b.at.getTime())[0];
  return {
    now: () => now,
    wake(at, callback) {
      const wake = { at, callback };
      wakes.add(wake);
      return () => wakes.delete(wake);
    },
    moveTo(to) {
      const target = new Date(to);
      for (let due = earliest(); due && due.at <= target; due = earliest()) {
        wakes.delete(due);
        now = due.at;
        due.callback();
      }
      now = target;
    },
    nextWake: () => earliest()?.at.toISOString(),
  };
}
