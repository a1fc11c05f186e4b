/** How long the work at hand may go on. */
export interface Budget {
  /** In milliseconds of the injected clock. */
  readonly endsAt: number;
  /** The process or the activity ends: finish the running chunk, save, return `more`. */
  readonly stopping: AbortSignal;
}

/** Leaves a request in the middle of its body (a whole PUT, a chunk that takes too long) when its budget ends. */
export class BudgetEndedError extends Error {
  override readonly name = "BudgetEndedError";
}

/** Most chunks end within seconds, and what is cut off in the middle may be lost: one may go on for so long. */
const chunkGraceMs = 30_000;

/** Whether a chunk that was begun in time is to be cut: its source or target takes it drop by drop. */
export function isOverdue({ endsAt }: Budget, now: () => number): boolean {
  return now() >= endsAt + chunkGraceMs;
}

/** Whether no further chunk may begin. */
export function isOver({ endsAt, stopping }: Budget, now: () => number): boolean {
  return stopping.aborted || now() >= endsAt;
}
