import { beforeEach, describe, expect, it } from "vitest";
import { newSchedule, redefined } from "../../../../src/domain/schedule-record.ts";
import { ImportError } from "../../../../src/errors.ts";
import { createRunSchedules } from "../../../../src/functions/schedules/run-schedules.ts";
import { createStartRun } from "../../../../src/functions/schedules/start-run.ts";
import { createSchedules, type Schedules } from "../../../../src/store/schedules.ts";
import { useTables } from "../../../helpers/use-tables.ts";
import { aSchedule, createFakePromotions, noDurable } from "./schedule-builders.ts";

const tables = useTables();
let schedules: Schedules;
let unreadable: string[];

beforeEach(() => {
  unreadable = [];
  tables.access.onUnreadable(({ rowKey }) => unreadable.push(rowKey));
  schedules = createSchedules(tables.access);
});

/** The service's minute, at whatever time the test says it is. */
function createMinutes(store: Schedules = schedules) {
  const promotions = createFakePromotions();
  const events: string[] = [];
  const startRun = createStartRun({
    schedules: store,
    startPromotion: promotions.start,
    promotionState: promotions.state,
  });
  const at = async (time: string) => {
    const run = createRunSchedules({
      schedules: store,
      startRun,
      log: (event) => events.push(event),
      now: () => new Date(time),
    });
    await run(noDurable);
  };
  return { at, promotions, events, startRun };
}

async function keep(changes: object = {}, madeAt = "2026-05-01T12:00:00.000Z") {
  const record = newSchedule(aSchedule(changes), new Date(madeAt));
  await schedules.put(record.schedule.name, () => record);
}

const read = async () => (await schedules.read("nightly")) ?? expect.unreachable();

describe("runSchedules", () => {
  it("begins what is due although a row beside it cannot be read", async () => {
    await keep();
    await tables.access.table("Schedules").insert({ partitionKey: "schedule", rowKey: "later", v: 2, record: "{}" });
    const { at, promotions } = createMinutes();

    await at("2026-05-02T03:00:00.000Z");

    expect(promotions.count()).toBe(1);
    expect(unreadable).toEqual(["later"]);
    expect(await schedules.find("later")).toBe("unreadable");
    await keep({ name: "later" });
    expect((await schedules.read("later"))?.schedule.name).toBe("later");
  });

  it("begins what is due, as a promotion of the schedule, once", async () => {
    await keep({ maxConcurrent: 5 });
    const { at, promotions } = createMinutes();

    await at("2026-05-02T02:59:00.000Z");
    expect(promotions.count()).toBe(0);
    await at("2026-05-02T03:00:00.000Z");
    promotions.endAll();
    await at("2026-05-02T03:01:00.000Z");

    const [start, ...more] = promotions.starts;
    expect(more).toEqual([]);
    expect(start?.request).toEqual({
      source: { registry: "docker.io", repositories: ["team/app"], tags: {} },
      target: { registry: "prod.example", repository: "{repository}", tag: "{tag}" },
      maxConcurrent: 5,
    });
    expect(start?.cause).toMatchObject({
      trigger: { kind: "schedule", ref: "nightly" },
      schedule: "nightly",
      causedAt: new Date("2026-05-02T03:00:00.000Z"),
    });
    expect(await read()).toMatchObject({ isStarting: false, lastRun: { at: "2026-05-02T03:00:00.000Z", by: "timer" } });
  });

  it("runs once for all the times that were missed", async () => {
    await keep({ cron: "*/5 * * * *" });
    const { at, promotions } = createMinutes();

    await at("2026-05-03T12:02:00.000Z");
    promotions.endAll();
    await at("2026-05-03T12:03:00.000Z");

    expect(promotions.starts.map(({ cause }) => cause.causedAt.toISOString())).toEqual(["2026-05-03T12:00:00.000Z"]);
  });

  it("leaves out a time while its last promotion runs, and says so", async () => {
    await keep({ cron: "0 * * * *" });
    const { at, promotions, events } = createMinutes();

    await at("2026-05-01T13:00:00.000Z");
    await at("2026-05-01T14:00:00.000Z");
    const skipped = await read();
    promotions.endAll("Failed");
    await at("2026-05-01T14:01:00.000Z");
    await at("2026-05-01T15:00:00.000Z");

    expect(skipped.lastSkip).toEqual({
      at: "2026-05-01T14:00:00.000Z",
      reason: `the promotion ${skipped.lastRun?.promotionId} of the run before has not ended`,
    });
    expect(promotions.starts.map(({ cause }) => cause.causedAt.getUTCHours())).toEqual([13, 15]);
    expect(events).toEqual(["schedule-begun", "schedule-skipped", "schedule-begun"]);
  });

  it("begins the same promotion again when a crash came before it was known to have begun", async () => {
    await keep();
    const { at, promotions } = createMinutes({
      ...schedules,
      update: async (name, change) => {
        const before = await schedules.read(name);
        if (before?.isStarting) throw new Error("the process died");
        return await schedules.update(name, change);
      },
    });
    await at("2026-05-02T03:00:00.000Z");
    const { at: atAgain, promotions: again } = createMinutes();

    await atAgain("2026-05-02T03:01:00.000Z");

    expect([...promotions.starts, ...again.starts].map(({ cause }) => cause.id)).toEqual(
      Array.from({ length: 2 }, () => promotions.starts[0]?.cause.id),
    );
    expect((await read()).isStarting).toBe(false);
  });

  it("tries again each minute what storage has refused, and gives up what can never be", async () => {
    await keep();
    const { at, promotions } = createMinutes();
    promotions.failNext(new ImportError({ code: "STORAGE_UNAVAILABLE", what: "no answer", retryable: true }));

    await at("2026-05-02T03:00:00.000Z");
    await at("2026-05-02T03:01:00.000Z");
    expect(promotions.count()).toBe(1);
    promotions.endAll();
    promotions.failNext(new ImportError({ code: "HOST_NOT_ALLOWED", what: "this registry is not allowed here" }));
    await at("2026-05-03T03:00:00.000Z");
    await at("2026-05-03T03:01:00.000Z");

    expect(promotions.starts).toHaveLength(3);
    expect((await read()).lastSkip).toEqual({
      at: "2026-05-03T03:00:00.000Z",
      reason: "this registry is not allowed here",
    });
  });

  it("does nothing for a schedule that is disabled, and nothing of the past for one that is enabled", async () => {
    await keep({ enabled: false });
    const { at, promotions } = createMinutes();
    await at("2026-05-02T03:00:00.000Z");

    await schedules.update("nightly", (record) => redefined(record, aSchedule(), new Date("2026-05-02T10:00:00.000Z")));
    await at("2026-05-02T10:01:00.000Z");
    expect(promotions.count()).toBe(0);
    await at("2026-05-03T03:00:00.000Z");

    expect(promotions.count()).toBe(1);
  });

  it("runs the others when one cannot be run", async () => {
    await keep();
    await keep({ name: "a-first" });
    const { at, promotions, events } = createMinutes();
    promotions.failNext(new Error("a bug"));

    await at("2026-05-02T03:00:00.000Z");

    expect(promotions.count()).toBe(1);
    expect(events).toEqual(["schedule-failed", "schedule-begun"]);
  });

  it("begins one of two runs at once, of two processes", async () => {
    await keep();
    const one = createMinutes();
    const record = await read();

    const begun = await Promise.all([
      one.startRun.begin(record, { at: new Date("2026-05-02T03:00:00.000Z"), by: "timer" }, noDurable),
      one.startRun.begin(record, { at: new Date("2026-05-02T03:00:01.000Z"), by: "request" }, noDurable),
    ]);

    expect(begun.filter((outcome) => outcome === "busy")).toHaveLength(1);
    expect(one.promotions.count()).toBe(1);
  });

  it("keeps the hour of a time zone over the change of its clock", async () => {
    await keep({ cron: "0 3 * * *", timeZone: "Europe/Berlin" }, "2026-03-28T12:00:00.000Z");
    const { at, promotions } = createMinutes();

    for (const time of ["2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"]) {
      await at(time);
      promotions.endAll();
    }

    expect(promotions.starts.map(({ cause }) => cause.causedAt.toISOString())).toEqual([
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T01:00:00.000Z",
    ]);
  });
});
