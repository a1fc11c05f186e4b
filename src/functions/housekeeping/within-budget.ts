import type { Log } from "../log.ts";

export interface WithinBudgetDeps {
  /** How long each kind may take of an hour: what is left waits for the next one. */
  readonly budgetMs: number;
  readonly log: Log;
  /** Milliseconds of a clock that nobody sets back. */
  readonly elapsedMs: () => number;
}

/** Work of one kind, which counts what it has done. It asks `isOver` before it begins with more, and only then. */
export type BoundedWork = (isOver: () => boolean) => Promise<number>;

/**
 * Runs one kind of the hourly work. `forget-cut` in the log: its time was over before all of it was done. What it throws
 * is told of and counts as nothing done: the next hour tries again, and the other kinds go on.
 */
export type WithinBudget = (kind: string, work: BoundedWork) => Promise<number>;

export function createWithinBudget({ budgetMs, log, elapsedMs }: WithinBudgetDeps): WithinBudget {
  return async (kind, work) => {
    const endsAt = elapsedMs() + budgetMs;
    let isCut = false;
    const isOver = () => {
      isCut = elapsedMs() >= endsAt;
      return isCut;
    };
    try {
      const count = await work(isOver);
      if (isCut) log("forget-cut", { kind, count, budgetMs });
      return count;
    } catch (thrown) {
      log("sweep-failed", { task: kind, error: String(thrown) });
      return 0;
    }
  };
}
