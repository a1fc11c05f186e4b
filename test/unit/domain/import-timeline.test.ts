import { describe, expect, it } from "vitest";
import type { ImportRecord } from "../../../src/domain/import-record.ts";
import { timelineOf } from "../../../src/domain/import-timeline.ts";
import {
  ended,
  publishing,
  replaced,
  resolved,
  resolving,
  retried,
  verifying,
} from "../../../src/domain/import-transitions.ts";
import { ImportError } from "../../../src/errors.ts";
import { aRecord, digestNamed, laterBy } from "./records.ts";

const source = { digest: digestNamed("source"), mediaType: "application/vnd.oci.image.manifest.v1+json" };
const progress = {
  manifests: { total: 1, done: 0 },
  blobs: { total: 1, done: 0 },
  bytes: { total: 10, copied: 0, mounted: 0, skipped: 0 },
  bytesPerSecond: 0,
};
const found = { source, targetDigest: source.digest, progress, warnings: [] };
const error = new ImportError({ code: "SOURCE_NOT_FOUND", what: "gone" }).toWire();
const copyingFrom = (record: ImportRecord, seconds: number) =>
  resolved(resolving(record, laterBy(seconds - 1)), found, laterBy(seconds));
/** States and how long each lasted. */
const linesOf = (record: ImportRecord) => timelineOf(record).map(({ state, seconds }) => [state, seconds]);

describe("the timeline of an import", () => {
  it("tells how long each state lasted", () => {
    const verified = verifying(copyingFrom(aRecord(), 2), laterBy(5));

    const record = ended(publishing(verified, laterBy(9)), { state: "Succeeded" }, laterBy(9.25));

    expect(timelineOf(record)).toEqual([
      { state: "Accepted", at: laterBy(0).toISOString(), seconds: 1 },
      { state: "Resolving", at: laterBy(1).toISOString(), seconds: 1 },
      { state: "Copying", at: laterBy(2).toISOString(), seconds: 3 },
      { state: "Verifying", at: laterBy(5).toISOString(), seconds: 4 },
      { state: "Publishing", at: laterBy(9).toISOString(), seconds: 0.25 },
      { state: "Succeeded", at: laterBy(9.25).toISOString() },
    ]);
  });

  it("ends with the state that it is in", () => {
    expect(linesOf(copyingFrom(aRecord(), 2))).toEqual([
      ["Accepted", 1],
      ["Resolving", 1],
      ["Copying", undefined],
    ]);
  });

  it("leaves out what an import never came to", () => {
    const record = ended(resolving(aRecord(), laterBy(1)), { state: "Failed", error }, laterBy(2));

    expect(linesOf(record)).toEqual([
      ["Accepted", 1],
      ["Resolving", 1],
      ["Failed", undefined],
    ]);
  });

  it("is that of the newest attempt", () => {
    const failed = ended(copyingFrom(aRecord(), 2), { state: "Failed", error }, laterBy(3));

    const again = retried(failed, laterBy(100), { credentials: "absent", digest: "keep" });

    expect(timelineOf(again)).toEqual([{ state: "Accepted", at: laterBy(100).toISOString() }]);
  });

  it("counts what a given-up attempt took as resolving of the one in its place", () => {
    const stuck = copyingFrom(aRecord(), 2);

    const record = replaced(stuck, laterBy(50));

    expect(linesOf(record)).toEqual([["Accepted", undefined]]);
    expect(linesOf(copyingFrom(record, 60))).toEqual([
      ["Accepted", 1],
      ["Resolving", 59],
      ["Copying", undefined],
    ]);
  });

  it("knows no negative durations where one clock is behind another", () => {
    const [accepted] = timelineOf(resolving(aRecord(), laterBy(-1)));

    expect(accepted?.seconds).toBe(0);
  });

  it("does not take the whole run for resolving, of a record that lacks the states between", () => {
    const { copyingAt: _c, ...copying } = copyingFrom(aRecord(), 2);
    const { publishingAt: _p, ...old } = ended(publishing(copying, laterBy(5)), { state: "Succeeded" }, laterBy(6));

    expect(linesOf(old)).toEqual([
      ["Accepted", 1],
      ["Resolving", undefined],
      ["Succeeded", undefined],
    ]);
  });
});
