import { describe, expect, it } from "vitest";
import { createImportId } from "../../../src/domain/import-id.ts";
import { beginOfWindow, countWindow, type ImportSummary } from "../../../src/domain/overview.ts";

const now = new Date("2026-03-01T12:34:56.000Z");
const begin = beginOfWindow("hour", now);

let ids = 0;
function summary(at: string, changes: Partial<ImportSummary> = {}): ImportSummary {
  ids += 1;
  return {
    id: createImportId(new Date(at), String(ids)),
    state: "Succeeded",
    createdAt: at,
    finishedAt: undefined,
    errorCode: undefined,
    bytes: { copied: 1, mounted: 10, skipped: 100 },
    ...changes,
  };
}

describe("the overview", () => {
  it.each([
    ["hour", "2026-03-01T11:35:00.000Z"],
    ["day", "2026-02-28T13:00:00.000Z"],
    ["week", "2026-02-22T18:00:00.000Z"],
  ] as const)("of a %s begins so that its last bucket holds the present", (window, at) => {
    expect(beginOfWindow(window, now).toISOString()).toBe(at);
  });

  it("counts imports in the bucket that they ended in, however long before that they were created", () => {
    const retried = summary("2026-02-20T12:00:00.000Z", { state: "Failed", finishedAt: "2026-03-01T12:32:00.000Z" });

    const { buckets, totals } = countWindow({ window: "hour", begin, summaries: [retried], countedSince: undefined });

    expect(buckets.map(({ failed }) => failed)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    expect(totals.failed).toBe(1);
  });

  it("counts imports that run in the bucket that they were created in", () => {
    const summaries = [
      summary("2026-03-01T12:34:00.000Z", { state: "Copying" }),
      summary("2026-03-01T12:30:00.000Z"),
      summary("2026-03-01T11:39:59.999Z", { state: "Cancelled" }),
    ];

    const { buckets, totals, countedSince } = countWindow({
      window: "hour",
      begin,
      summaries,
      countedSince: undefined,
    });

    const counts = buckets.map(({ running, succeeded, cancelled }) => running + succeeded + cancelled);
    expect(counts).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    expect(totals).toMatchObject({ running: 1, succeeded: 1, cancelled: 1 });
    expect(totals.bytes).toEqual({ copied: 3, mounted: 30, skipped: 300 });
    expect(countedSince).toBeUndefined();
  });

  it("leaves out nothing that clocks which differ put outside", () => {
    const summaries = [summary("2026-03-01T12:36:00.000Z"), summary("2026-03-01T11:34:59.000Z")];

    const { buckets } = countWindow({ window: "hour", begin, summaries, countedSince: undefined });

    expect(buckets.reduce((total, { succeeded }) => total + succeeded, 0)).toBe(2);
  });

  it("groups failures by code, the most frequent first, each with the import that failed last", () => {
    const failed = (finishedAt: string, errorCode: ImportSummary["errorCode"]) =>
      summary("2026-03-01T12:00:00.000Z", { state: "Failed", finishedAt, errorCode });
    const summaries = [
      failed("2026-03-01T12:30:00.000Z", "SOURCE_NOT_FOUND"),
      failed("2026-03-01T12:10:00.000Z", "TARGET_UNAUTHORIZED"),
      failed("2026-03-01T12:20:00.000Z", "TARGET_UNAUTHORIZED"),
    ];

    const { errors } = countWindow({ window: "hour", begin, summaries, countedSince: undefined });

    expect(errors).toEqual([
      { code: "TARGET_UNAUTHORIZED", count: 2, newest: summaries[2]?.id },
      { code: "SOURCE_NOT_FOUND", count: 1, newest: summaries[0]?.id },
    ]);
  });

  it("says since when it has counted where there are more than it looks at", () => {
    const since = new Date("2026-03-01T12:10:00.000Z");

    const { countedSince } = countWindow({ window: "hour", begin, summaries: [], countedSince: since });

    expect(countedSince).toBe("2026-03-01T12:10:00.000Z");
  });
});
