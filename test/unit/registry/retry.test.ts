import { describe, expect, it } from "vitest";
import { backoffMs, parseRetryAfter } from "../../../src/registry/retry.ts";

describe("parseRetryAfter", () => {
  const now = new Date("2026-11-24T12:00:00Z");

  it.each([
    ["10", 10],
    [" 0 ", 0],
    ["0.5", 0.5],
    ["0.5s", 0.5],
    ["880.092µs", 0.000880092],
    ["1m30s", 90],
    ["1h", 3_600],
    ["Tue, 24 Nov 2026 12:01:00 GMT", 60],
    ["Tue, 24 Nov 2026 11:00:00 GMT", 0],
    [undefined, undefined],
    ["", undefined],
    ["soon", undefined],
    ["-5", undefined],
  ])("reads %s as %s seconds", (value, seconds) => {
    const read = parseRetryAfter(value, now);

    if (seconds === undefined) expect(read).toBeUndefined();
    else expect(read).toBeCloseTo(seconds, 9);
  });
});

describe("backoffMs", () => {
  it("doubles its ceiling from 250 ms to 20 s", () => {
    expect([1, 2, 3, 7, 8, 30].map((tries) => backoffMs(tries, () => 1))).toEqual([
      250, 500, 1_000, 16_000, 20_000, 20_000,
    ]);
  });

  it("takes any part of it", () => {
    expect(backoffMs(3, () => 0)).toBe(0);
  });
});
