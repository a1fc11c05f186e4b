import { describe, expect, it } from "vitest";
import { cronProblem, isTimeZone, latestTick, nextTicks } from "../../../src/domain/cron.ts";

const at = (text: string) => new Date(text);
const iso = (ticks: readonly Date[]) => ticks.map((tick) => tick.toISOString());
const berlin = (cron: string) => ({ cron, timeZone: "Europe/Berlin" });

describe("cronProblem", () => {
  it.each(["0 3 * * *", "*/5 * * * *", "30 2 * * 1-5", "0 0 1 JAN,JUL *", "0 12 29 2 *"])("takes %s", (cron) => {
    expect(cronProblem(cron)).toBeUndefined();
  });

  it.each(["", "* * * *", "* * * * * *", "@daily", "61 * * * *", "0 25 * * *", "a b c d e", "0 0 31 2 *", "0 0 * * 8"])(
    "refuses %j",
    (cron) => {
      expect(cronProblem(cron)).toMatch(/^(has|is|names) /);
    },
  );
});

describe("isTimeZone", () => {
  it("takes names of the IANA database, and no offsets", () => {
    expect(["UTC", "Europe/Berlin", "America/St_Johns"].every(isTimeZone)).toBe(true);
    expect(["Mars/Olympus", "", "+01:00", "Europe/"].some(isTimeZone)).toBe(false);
  });
});

describe("nextTicks", () => {
  it("reads the fields in the schedule's time zone", () => {
    expect(iso(nextTicks(berlin("0 3 * * *"), at("2026-01-10T02:00:00Z"), 2))).toEqual([
      "2026-01-11T02:00:00.000Z",
      "2026-01-12T02:00:00.000Z",
    ]);
    expect(iso(nextTicks(berlin("0 3 * * *"), at("2026-07-10T00:00:00Z"), 1))).toEqual(["2026-07-10T01:00:00.000Z"]);
  });

  it("moves a time that the clock leaves out to right after", () => {
    expect(iso(nextTicks(berlin("30 2 * * *"), at("2026-03-28T12:00:00Z"), 2))).toEqual([
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ]);
  });

  it("counts a time of day that comes twice once, and every hour of an hourly one", () => {
    expect(iso(nextTicks(berlin("30 2 * * *"), at("2026-10-24T12:00:00Z"), 2))).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
    ]);
    expect(iso(nextTicks(berlin("30 * * * *"), at("2026-10-25T00:00:00Z"), 3))).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-25T01:30:00.000Z",
      "2026-10-25T02:30:00.000Z",
    ]);
  });
});

describe("latestTick", () => {
  const daily = { cron: "0 3 * * *", timeZone: "UTC" };

  it("is due from its very moment on, once", () => {
    const tick = at("2026-05-02T03:00:00Z");

    expect(latestTick(daily, at("2026-05-01T03:00:00Z"), at("2026-05-02T02:59:59.999Z"))).toBeUndefined();
    expect(latestTick(daily, at("2026-05-01T03:00:00Z"), tick)).toEqual(tick);
    expect(latestTick(daily, tick, at("2026-05-02T03:01:00Z"))).toBeUndefined();
  });

  it("is the latest of those that were missed", () => {
    expect(latestTick(daily, at("2026-05-01T03:00:00Z"), at("2026-05-09T12:00:00Z"))).toEqual(
      at("2026-05-09T03:00:00Z"),
    );
  });

  it("does not come a second time when the clock is put back", () => {
    const table = berlin("30 2 * * *");

    expect(latestTick(table, at("2026-10-25T00:30:00Z"), at("2026-10-25T01:31:00Z"))).toBeUndefined();
  });
});
