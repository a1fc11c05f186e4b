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

/** Whether no further chunk may begin. */
export function isOver({ endsAt, stopping }: Budget, now: () => number): boolean {
  return stopping.aborted || now() >= endsAt;
}

/** Ends work at the end of its budget also while it waits for a byte. Dispose it when the work has ended. */
export interface BudgetAlarm extends Disposable {
  /** Aborted with a {@link BudgetEndedError}. */
  readonly signal: AbortSignal;
}

/** The clock that budgets are told by. */
export interface BudgetClock {
  readonly now: () => number;
  /** Calls `run` once after `ms`, unless the returned function is called before; must not keep the process alive. */
  readonly after: (ms: number, run: () => void) => () => void;
}

/** Goes off when {@link isOver} becomes true: for work of which no part can be kept. */
export function alarmWhenOver({ endsAt, stopping }: Budget, clock: BudgetClock): BudgetAlarm {
  return startAlarm(endsAt - clock.now(), [stopping], clock);
}

/** Goes off 30 s after the end: for a chunk that was begun in time and that its source or target takes drop by drop. */
export function alarmWhenOverdue({ endsAt }: Budget, clock: BudgetClock): BudgetAlarm {
  return startAlarm(endsAt + chunkGraceMs - clock.now(), [], clock);
}

const longestTimerMs = 2 ** 31 - 1; // setTimeout fires at once beyond this

function startAlarm(ms: number, stops: readonly AbortSignal[], { after }: BudgetClock): BudgetAlarm {
  const ending = new AbortController();
  const end = () => ending.abort(new BudgetEndedError("budget used up"));
  const cancel = after(Math.min(Math.max(ms, 0), longestTimerMs), end);
  if (ms <= 0 || stops.some(({ aborted }) => aborted)) end();
  for (const stop of stops) stop.addEventListener("abort", end, { once: true });
  return {
    signal: ending.signal,
    [Symbol.dispose]: () => {
      cancel();
      for (const stop of stops) stop.removeEventListener("abort", end);
    },
  };
}
