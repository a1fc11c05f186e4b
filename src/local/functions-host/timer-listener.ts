import { Cron } from "croner";
import { messageOf } from "./http-server.ts";
import type { RpcTypedData } from "./rpc.ts";
import type { RunFunction } from "./run-function.ts";
import { parseTimeSpan } from "./time-span.ts";

/** The clock of the timers. `wake` calls back once, not before `at`, and gives a way to cancel. */
export interface TimerClock {
  readonly now: () => Date;
  readonly wake: (at: Date, callback: () => void) => () => void;
}

/** When a timer function last ran and will next run; kept so that a missed run is noticed. */
export interface ScheduleStatus {
  readonly last: string | undefined;
  readonly next: string;
}

export interface ScheduleStore {
  readonly read: (name: string) => Promise<ScheduleStatus | undefined>;
  readonly write: (name: string, status: ScheduleStatus) => Promise<void>;
}

export interface TimerFunction {
  readonly name: string;
  /** NCRONTAB with six fields, or a TimeSpan between runs. */
  readonly schedule: string;
  readonly runOnStartup: boolean;
}

export interface TimerListenerDeps {
  readonly clock: TimerClock;
  readonly store: ScheduleStore;
  readonly run: RunFunction;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

export interface TimerListener {
  /** Runs the function now, as `POST /admin/functions/{name}` does; runs never overlap. */
  readonly runNow: () => Promise<void>;
  /** No further runs; resolves when the running one has ended. */
  readonly close: () => Promise<void>;
}

/** The run after `from` of a schedule, in UTC. Throws on a schedule that is neither NCRONTAB nor a TimeSpan. */
export function nextRun(schedule: string, from: Date): Date {
  const spanMs = parseTimeSpan(schedule);
  if (spanMs !== undefined) return new Date(from.getTime() + spanMs);
  const next = new Cron(schedule, { timezone: "UTC", mode: "5-or-6-parts", paused: true }).nextRun(from);
  if (!next) throw new Error(`schedule "${schedule}" never comes due`);
  return next;
}

/**
 * Runs a timer function on its schedule: a run that is due while another runs waits for it, and is left out if the
 * next is due by then. A run missed while the host was down happens at once, with `isPastDue`.
 * Source: azure-webjobs-sdk-extensions, TimerListener.cs.
 */
export async function startTimerListener(timer: TimerFunction, deps: TimerListenerDeps): Promise<TimerListener> {
  const { clock, store, log } = deps;
  const { name, schedule } = timer;
  let isClosed = false;
  let cancelWake = () => {};
  let current = Promise.resolve();
  let last: Date | undefined;

  const before = await store.read(name);
  last = before?.last === undefined ? undefined : new Date(before.last);
  const isPastDue = before !== undefined && new Date(before.next) < clock.now();
  if (isPastDue || timer.runOnStartup) enqueue(isPastDue);
  arm();

  return {
    runNow() {
      enqueue(false);
      return current;
    },
    close() {
      isClosed = true;
      cancelWake();
      return current;
    },
  };

  function arm(): void {
    const at = nextRun(schedule, clock.now());
    cancelWake = clock.wake(at, () => {
      enqueue(false);
      current = current.then(() => {
        if (!isClosed) arm();
      });
    });
  }

  function enqueue(isLate: boolean): void {
    current = current
      .then(() => (isClosed ? undefined : runOnce(isLate)))
      .catch((thrown: unknown) => {
        log("timer.failed", { function: name, error: messageOf(thrown) });
      });
  }

  async function runOnce(isLate: boolean): Promise<void> {
    const startedAt = clock.now();
    const next = nextRun(schedule, startedAt);
    await deps.run(name, timerInput(last, next, startedAt, isLate), {});
    last = startedAt;
    await store.write(name, { last: startedAt.toISOString(), next: nextRun(schedule, clock.now()).toISOString() });
  }
}

/** What the worker hands to a timer function, before it makes the keys camelCase. */
function timerInput(last: Date | undefined, next: Date, now: Date, isPastDue: boolean): RpcTypedData {
  const lastText = last?.toISOString() ?? "0001-01-01T00:00:00+00:00"; // .NET's default DateTime: never
  return {
    json: JSON.stringify({
      Schedule: { AdjustForDST: true },
      ScheduleStatus: {
        Last: lastText,
        Next: next.toISOString(),
        LastUpdated: last?.toISOString() ?? now.toISOString(),
      },
      IsPastDue: isPastDue,
    }),
  };
}
