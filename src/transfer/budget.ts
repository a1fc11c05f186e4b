/** How long the work at hand may go on. */
export interface Budget {
  /** In milliseconds of the injected clock. */
  readonly endsAt: number;
  /** The process or the activity ends: finish the running chunk, save, return `more`. */
  readonly stopping: AbortSignal;
}

/** Leaves a transfer that cannot stop half-way (one whole PUT) when its budget ends. */
export class BudgetEndedError extends Error {
  override readonly name = "BudgetEndedError";
}

/** Whether no further chunk may begin. */
export function isOver({ endsAt, stopping }: Budget, now: () => number): boolean {
  return stopping.aborted || now() >= endsAt;
}
