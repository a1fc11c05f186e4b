import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { alarmWhenOver, alarmWhenOverdue, type BudgetClock, BudgetEndedError } from "../../../src/transfer/budget.ts";

const running = () => new AbortController().signal;
const now = () => performance.now();
const clock: BudgetClock = {
  now,
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("alarmWhenOver", () => {
  it("goes off at the end of the budget, and not before", () => {
    using alarm = alarmWhenOver({ endsAt: now() + 1_000, stopping: running() }, clock);

    vi.advanceTimersByTime(999);
    const wasEarly = alarm.signal.aborted;
    vi.advanceTimersByTime(1);

    expect(wasEarly).toBe(false);
    expect(alarm.signal.reason).toBeInstanceOf(BudgetEndedError);
  });

  it("goes off when the process stops", () => {
    const stop = new AbortController();
    using alarm = alarmWhenOver({ endsAt: now() + 1_000, stopping: stop.signal }, clock);

    stop.abort();

    expect(alarm.signal.reason).toBeInstanceOf(BudgetEndedError);
  });

  it.each([
    ["a budget that has ended", () => ({ endsAt: now() - 1, stopping: running() })],
    ["a process that is stopping", () => ({ endsAt: now() + 1_000, stopping: AbortSignal.abort() })],
  ])("has gone off from the beginning with %s", (_, budget) => {
    using alarm = alarmWhenOver(budget(), clock);

    expect(alarm.signal.reason).toBeInstanceOf(BudgetEndedError);
  });

  it("goes off no sooner for a budget that is longer than a timer can be", () => {
    using alarm = alarmWhenOver({ endsAt: now() + 2 ** 40, stopping: running() }, clock);

    vi.advanceTimersByTime(1_000);

    expect(alarm.signal.aborted).toBe(false);
  });

  it("leaves no timer behind when the work ends first", () => {
    const alarm = alarmWhenOver({ endsAt: now() + 1_000, stopping: running() }, clock);

    alarm[Symbol.dispose]();

    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("alarmWhenOverdue", () => {
  it("gives a chunk 30 s beyond the end, also when the process stops", () => {
    const stop = new AbortController();
    using alarm = alarmWhenOverdue({ endsAt: now() + 1_000, stopping: stop.signal }, clock);

    stop.abort();
    vi.advanceTimersByTime(30_999);
    const wasEarly = alarm.signal.aborted;
    vi.advanceTimersByTime(1);

    expect(wasEarly).toBe(false);
    expect(alarm.signal.reason).toBeInstanceOf(BudgetEndedError);
  });
});
