/** How long the work at hand may go on. */
export interface Budget {
  /** In milliseconds of a clock that nobody sets back: the time of day has no say in how long work goes on. */
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

/** Ends work at the end of its budget also while it waits for a byte. Dispose it when the work has ended. */
export interface BudgetAlarm extends Disposable {
  /** Aborted with a {@link BudgetEndedError}. */
  readonly signal: AbortSignal;
}

/** Goes off when {@link isOver} becomes true: for work of which no part can be kept. */
export function alarmWhenOver(budget: Budget, now: () => number): BudgetAlarm {
  return startAlarm(budget.endsAt - now(), [budget.stopping]);
}

/** Goes off when {@link isOverdue} becomes true: for a chunk that was begun in time. */
export function alarmWhenOverdue({ endsAt }: Budget, now: () => number): BudgetAlarm {
  return startAlarm(endsAt + chunkGraceMs - now(), []);
}

const longestTimerMs = 2 ** 31 - 1; // setTimeout fires at once beyond this

function startAlarm(ms: number, stops: readonly AbortSignal[]): BudgetAlarm {
  const ending = new AbortController();
  const end = () => ending.abort(new BudgetEndedError("budget used up"));
  const timer = setTimeout(end, Math.min(Math.max(ms, 0), longestTimerMs)).unref();
  if (ms <= 0 || stops.some(({ aborted }) => aborted)) end();
  for (const stop of stops) stop.addEventListener("abort", end, { once: true });
  return {
    signal: ending.signal,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      for (const stop of stops) stop.removeEventListener("abort", end);
    },
  };
}
