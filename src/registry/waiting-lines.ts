import { classOf, type RequestClass, type SlotKind } from "./request-class.ts";
import { createSemaphore, type Semaphore } from "./semaphore.ts";

/** Where the requests of one account wait for their budget. */
export interface WaitingLines {
  /** How many stand in lines for the budget of a class, the first ones included. */
  readonly waiting: (requestClass: RequestClass) => number;
  /** Does `work` when it is the first in its line, and lets the next one when that has ended. */
  readonly stand: <T>(kind: SlotKind, work: () => Promise<T>, signal: AbortSignal) => Promise<T>;
}

interface Line {
  readonly turns: Semaphore;
  waiting: number;
}

/**
 * One after the other: who waits must not collect what those behind him need, and leaves no gap when he gives up. A line
 * per kind of slot: who waits for a download must not be in the way of what a download waits for.
 */
export function createWaitingLines(): WaitingLines {
  const lines = new Map<SlotKind, Line>();

  const lineOf = (kind: SlotKind): Line => {
    const line = lines.get(kind) ?? { turns: createSemaphore(1), waiting: 0 };
    lines.set(kind, line);
    return line;
  };

  return {
    waiting: (requestClass) =>
      [...lines].reduce((sum, [kind, { waiting }]) => sum + (classOf(kind) === requestClass ? waiting : 0), 0),
    stand: async (kind, work, signal) => {
      const line = lineOf(kind);
      line.waiting += 1;
      try {
        const leave = await line.turns.acquire(signal);
        try {
          return await work();
        } finally {
          leave();
        }
      } finally {
        line.waiting -= 1;
      }
    },
  };
}
