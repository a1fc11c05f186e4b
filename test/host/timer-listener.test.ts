import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RunFunction, RunOutcome } from "../../src/local/functions-host/run-function.ts";
import {
  nextRun,
  type ScheduleStatus,
  type ScheduleStore,
  startTimerListener,
  type TimerFunction,
} from "../../src/local/functions-host/timer-listener.ts";
import { createScheduleStore } from "../../src/local/functions-host/timer-triggers.ts";
import { fixtureEvents, startFixtureHost } from "../helpers/fixture-host.ts";
import { createHandClock } from "../helpers/hand-clock.ts";

const done: RunOutcome = { kind: "done", result: { invocationId: "i", outputData: [], returnValue: null } };
const eachMinute: TimerFunction = { name: "tick", schedule: "0 * * * * *", runOnStartup: false };
const aMinute = { last: "2026-01-01T00:00:00.000Z", next: "2026-01-01T00:01:00.000Z" };

function memoryStore(before?: ScheduleStatus): ScheduleStore & { status: () => ScheduleStatus | undefined } {
  let status = before;
  return {
    status: () => status,
    read: async () => status,
    write: async (_, written) => {
      status = written;
    },
  };
}

/** A listener on a hand-moved clock, whose runs end when the test says so, or at once. */
async function listen(timer: TimerFunction, options: { at: string; before?: ScheduleStatus; holds?: boolean }) {
  const clock = createHandClock(options.at);
  const store = memoryStore(options.before);
  const inputs: unknown[] = [];
  const releases: (() => void)[] = [];
  const run: RunFunction = async (_, trigger) => {
    inputs.push(JSON.parse(trigger.json ?? ""));
    if (options.holds) await new Promise<void>((resolve) => releases.push(resolve));
    return done;
  };
  const listener = await startTimerListener(timer, { clock, store, run, log: () => {} });
  return { clock, store, inputs, releases, listener };
}

/** Lets everything run that waits for no clock. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("nextRun", () => {
  it.each([
    ["0 */5 * * * *", "2026-01-01T00:02:03Z", "2026-01-01T00:05:00.000Z"],
    ["*/10 * * * * *", "2026-01-01T00:00:09Z", "2026-01-01T00:00:10.000Z"],
    ["0 30 9 * * 1-5", "2026-01-02T10:00:00Z", "2026-01-05T09:30:00.000Z"],
    ["0 0 0 1 1 *", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00.000Z"],
    ["00:05:00", "2026-01-01T00:02:03Z", "2026-01-01T00:07:03.000Z"],
  ])("of %s after %s is %s", (schedule, from, expected) => {
    expect(nextRun(schedule, new Date(from)).toISOString()).toBe(expected);
  });

  it("refuses a schedule that is none", () => {
    expect(() => nextRun("every day", new Date())).toThrow();
  });
});

describe("a timer function", () => {
  it("runs when it is due, in UTC, with its schedule status", async () => {
    const { clock, inputs, store } = await listen(eachMinute, { at: "2026-01-01T00:00:30Z" });

    clock.moveTo("2026-01-01T00:00:59Z");
    await settle();
    expect(inputs).toEqual([]);
    clock.moveTo("2026-01-01T00:01:00Z");
    await settle();

    expect(inputs).toEqual([
      {
        Schedule: { AdjustForDST: true },
        ScheduleStatus: {
          Last: "0001-01-01T00:00:00+00:00",
          Next: "2026-01-01T00:02:00.000Z",
          LastUpdated: "2026-01-01T00:01:00.000Z",
        },
        IsPastDue: false,
      },
    ]);
    expect(store.status()).toEqual({ last: "2026-01-01T00:01:00.000Z", next: "2026-01-01T00:02:00.000Z" });
    expect(clock.nextWake()).toBe("2026-01-01T00:02:00.000Z");
  });

  it("never overlaps itself: what comes due meanwhile is left out", async () => {
    const { clock, inputs, releases } = await listen(eachMinute, { at: "2026-01-01T00:00:30Z", holds: true });
    clock.moveTo("2026-01-01T00:01:00Z");
    await settle();

    clock.moveTo("2026-01-01T00:05:10Z");
    await settle();
    expect(inputs).toHaveLength(1);
    releases.shift()?.();
    await settle();

    expect(inputs).toHaveLength(1);
    expect(clock.nextWake()).toBe("2026-01-01T00:06:00.000Z");
  });

  it("runs at once, as past due, when a run was missed while the host was down", async () => {
    const { inputs } = await listen(eachMinute, { at: "2026-01-01T00:07:30Z", before: aMinute });
    await settle();

    expect(inputs).toMatchObject([{ IsPastDue: true, ScheduleStatus: { Last: aMinute.last } }]);
  });

  it("waits for its schedule when nothing was missed", async () => {
    const { inputs, clock } = await listen(eachMinute, { at: "2026-01-01T00:00:30Z", before: aMinute });
    await settle();

    expect(inputs).toEqual([]);
    expect(clock.nextWake()).toBe(aMinute.next);
  });

  it("runs at start-up with runOnStartup", async () => {
    const { inputs } = await listen({ ...eachMinute, runOnStartup: true }, { at: "2026-01-01T00:00:30Z" });
    await settle();

    expect(inputs).toMatchObject([{ IsPastDue: false }]);
  });

  it("does not run again once its listener is closed", async () => {
    const { clock, inputs, listener } = await listen(eachMinute, { at: "2026-01-01T00:00:30Z" });

    await listener.close();
    clock.moveTo("2026-01-01T01:00:00Z");
    await settle();

    expect(inputs).toEqual([]);
  });

  it("gets camelCase input in the app, on its schedule and by hand", async () => {
    const clock = createHandClock("2026-01-01T00:00:00Z");
    await using host = await startFixtureHost({ clock });
    const bySchedule = once(fixtureEvents(), "tick");
    clock.moveTo("2026-01-01T03:00:00Z");
    const [timer] = await bySchedule;
    const byHand = once(fixtureEvents(), "tick");

    const response = await host.post("/admin/functions/TICK", {});

    expect(timer).toMatchObject({ isPastDue: false, scheduleStatus: { next: "2026-01-02T03:00:00.000Z" } });
    expect(response.status).toBe(202);
    await byHand;
  });
});

describe("the schedule store", () => {
  it("reads back what it wrote, also after a restart", async () => {
    const directory = await mkdtemp(join(tmpdir(), "schedules-"));
    await createScheduleStore(directory).write("tick", aMinute);

    expect(await createScheduleStore(directory).read("tick")).toEqual(aMinute);
    await rm(directory, { recursive: true });
  });

  it("knows nothing when its file is damaged", async () => {
    const directory = await mkdtemp(join(tmpdir(), "schedules-"));
    await writeFile(join(directory, "timers.json"), '{"tick":{"la');

    expect(await createScheduleStore(directory).read("tick")).toBeUndefined();
    await rm(directory, { recursive: true });
  });
});
