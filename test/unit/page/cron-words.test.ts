import { describe, expect, it } from "vitest";
import { describeCron } from "../../../src/page/cron-words.ts";

describe("a cron expression in words", () => {
  it.each([
    ["0 3 * * *", "every day at 03:00"],
    ["30 22 * * 1-5", "Monday to Friday at 22:30"],
    ["5 0 * * 0", "Sunday at 00:05"],
    ["5 0 * * 7", "Sunday at 00:05"],
    ["0 6 * * 1,3,5-7", "Monday, Wednesday, Friday to Sunday at 06:00"],
    ["0 3 1 * *", "day 1 of each month at 03:00"],
    ["15 * * * *", "every hour at :15"],
    ["*/15 * * * *", "every 15 minutes"],
    ["10 */6 * * *", "every 6 hours from 00:10"],
  ])("tells %s as %s", (cron, words) => {
    expect(describeCron(cron)).toBe(words);
  });

  it.each([
    "*/7 * * * *", // 56, then 0: no even distance
    "0 3 1 * 1", // the first of the month, or Monday
    "0 3 * 1 *",
    "0 3 L * *",
    "0 3 * * 5#2",
    "0 3 * * 5-1",
    "60 3 * * *",
    "0 24 * * *",
    "0 3 0 * *",
    "0 3 31 * *", // not in each month
    "*/15 3 * * *",
    "0 3 * * MON",
    "0 0 3 * * *",
    "@daily",
    "",
  ])("has no words for %j", (cron) => {
    expect(describeCron(cron)).toBeUndefined();
  });
});
