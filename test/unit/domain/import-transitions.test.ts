import { describe, expect, it } from "vitest";
import { type ImportRecord, type ImportState, importRecordSchema } from "../../../src/domain/import-record.ts";
import {
  cancelRequested,
  ended,
  foundAtTarget,
  pinned,
  publishing,
  replaced,
  resolved,
  resolving,
  restarted,
  retried,
  stopRequested,
  waitingFor,
} from "../../../src/domain/import-transitions.ts";
import { ImportError } from "../../../src/errors.ts";
import { aRecord, digestNamed, laterBy, t0 } from "./records.ts";
import { refusal } from "./refusal.ts";

const found = { digest: digestNamed("source"), mediaType: "application/vnd.oci.image.manifest.v1+json" };
const progress = {
  manifests: { total: 1, done: 0 },
  blobs: { total: 2, done: 0 },
  bytes: { total: 10, copied: 0, mounted: 0, skipped: 0 },
  bytesPerSecond: 0,
};
const resolution = { source: found, targetDigest: digestNamed("target"), progress, warnings: ["a"] };
const error = new ImportError({ code: "SOURCE_NOT_FOUND", what: "gone" }).toWire();
const anEnded = (state: ImportState, change: Partial<ImportRecord> = {}) =>
  aRecord({ state, finishedAt: laterBy(9).toISOString(), ...change });

describe("foundAtTarget", () => {
  it("keeps the digest that is at the target where it is another one than the source's", () => {
    const record = aRecord({ source: { digest: digestNamed("source"), mediaType: "application/json" } });

    expect(foundAtTarget(record, digestNamed("rewritten"))).toMatchObject({ targetDigest: digestNamed("rewritten") });
    expect(foundAtTarget(record, digestNamed("source"))).toBe(record);
  });
});

describe("cancelRequested", () => {
  it.each(["Accepted", "Resolving", "Copying", "Verifying"] as const)("marks an import that is %s", (state) => {
    const before = aRecord({ state });

    expect(cancelRequested(before, laterBy(5))).toEqual({ ...before, cancelRequestedAt: laterBy(5).toISOString() });
  });

  it("changes nothing the second time, also when the import has been cancelled by then", () => {
    const once = cancelRequested(aRecord({ state: "Copying" }), laterBy(5));

    expect(cancelRequested(once, laterBy(6))).toBe(once);
    const cancelled = ended(once, { state: "Cancelled" }, laterBy(7));
    expect(cancelRequested(cancelled, laterBy(8))).toBe(cancelled);
  });

  it.each(["Publishing", "Succeeded", "Skipped", "Failed"] as const)("refuses an import that is %s", (state) => {
    expect(refusal(() => cancelRequested(aRecord({ state }), laterBy(5))).code).toBe("IMPORT_STATE_CONFLICT");
  });
});

describe("waitingFor", () => {
  const busy = new ImportError({ code: "SOURCE_RATE_LIMITED", what: "too many requests" }).toWire();

  it("says what is waited for, until the next step gets on", () => {
    const waiting = waitingFor(aRecord(), busy, laterBy(60), laterBy(0));

    expect(waiting).toMatchObject({
      state: "Resolving",
      waiting: { until: laterBy(60).toISOString(), code: "SOURCE_RATE_LIMITED", message: "too many requests" },
    });
    expect(resolved(waiting, resolution, t0).waiting).toBeUndefined();
    expect(publishing(waiting, t0).waiting).toBeUndefined();
    expect(ended(waiting, { state: "Failed", error }, laterBy(90)).waiting).toBeUndefined();
  });

  it("writes nothing for another unit that waits for the same no longer, or once the import has ended", () => {
    const waiting = waitingFor(aRecord({ state: "Copying" }), busy, laterBy(60), laterBy(0));

    expect(waitingFor(waiting, busy, laterBy(60), laterBy(1))).toBe(waiting);
    expect(waitingFor(waiting, busy, laterBy(61), laterBy(1))).not.toBe(waiting);
    const over = anEnded("Failed");
    expect(waitingFor(over, busy, laterBy(60), laterBy(0))).toBe(over);
  });
});

describe("stopRequested", () => {
  it("keeps the first time and the first error, and leaves an ended import alone", () => {
    const once = stopRequested(aRecord({ state: "Copying" }), laterBy(1), error);

    expect(once).toMatchObject({ stopRequestedAt: laterBy(1).toISOString(), error });
    const other = new ImportError({ code: "TARGET_LOCKED", what: "locked" }).toWire();
    expect(stopRequested(once, laterBy(2), other)).toBe(once);
    expect(stopRequested(anEnded("Failed"), laterBy(2), other).stopRequestedAt).toBeUndefined();
  });
});

describe("retried", () => {
  const failed = anEnded("Failed", {
    startedAt: laterBy(1).toISOString(),
    cancelRequestedAt: laterBy(2).toISOString(),
    stopRequestedAt: laterBy(2).toISOString(),
    source: found,
    targetDigest: digestNamed("target"),
    progress,
    error,
    warnings: ["old"],
  });

  it("begins the next attempt with the digest that was found, and with nothing else of the former one", () => {
    const again = retried(failed, laterBy(100), { credentials: "absent", digest: "keep" });

    expect(again).toEqual(
      aRecord({
        attempt: 2,
        deadlineAt: laterBy(160).toISOString(),
        source: found,
        targetDigest: digestNamed("target"),
      }),
    );
  });

  it("forgets the digest when it shall start from the tag again", () => {
    const again = retried(failed, laterBy(100), { credentials: "absent", digest: "resolve" });

    expect(again).toEqual(aRecord({ attempt: 2, deadlineAt: laterBy(160).toISOString() }));
  });

  const isPublishing = { publishingAt: laterBy(8).toISOString() };
  const isDelegated = { delegation: { reason: "requested", starts: 1 } } as const;
  const own = digestNamed("target");
  const earlier = digestNamed("earlier");
  it.each<[string, Partial<ImportRecord>, string | undefined]>([
    ["what this attempt has begun to put tags to", isPublishing, own],
    ["the source's digest where no other was found", { ...isPublishing, targetDigest: undefined }, found.digest],
    ["what ACR was asked for", isDelegated, own],
    ["what an earlier attempt has put tags to, when this one came to none", { taggedDigest: earlier }, earlier],
    ["what this attempt has begun, when an earlier one had another", { ...isPublishing, taggedDigest: earlier }, own],
    ["nothing when no attempt came to its tags", {}, undefined],
  ])("remembers %s", (_, change, taggedDigest) => {
    const { targetDigest, ...before } = { ...failed, ...change };
    const record = { ...before, ...(targetDigest && { targetDigest }) };

    for (const digest of ["keep", "resolve"] as const)
      expect(retried(record, laterBy(100), { credentials: "absent", digest }).taggedDigest).toBe(taggedDigest);
    expect(replaced({ ...record, state: "Publishing" }, laterBy(100)).taggedDigest).toBe(taggedDigest);
    expect(restarted(record, failed.spec, laterBy(100)).taggedDigest).toBeUndefined();
  });

  it("needs the credentials again that the first request brought", () => {
    const withCredentials = { ...failed, hasCredentials: true };

    const refused = refusal(() => retried(withCredentials, laterBy(1), { credentials: "absent", digest: "keep" }));
    expect(refused.toWire()).toMatchObject({ code: "CREDENTIALS_REQUIRED", property: "source.credentials" });
    const again = retried(withCredentials, laterBy(1), {
      credentials: { secretName: "source-2-ab" },
      digest: "keep",
    });
    expect(again.hasCredentials).toBe(true);
  });

  it.each(["Accepted", "Copying", "Publishing", "Succeeded", "Skipped"] as const)("refuses one that is %s", (state) => {
    const refused = refusal(() => retried(aRecord({ state }), laterBy(1), { credentials: "absent", digest: "keep" }));
    expect(refused.code).toBe("IMPORT_STATE_CONFLICT");
  });
});

describe("a run", () => {
  it("goes from Accepted to Succeeded, and every step may come twice", () => {
    const begun = resolving(aRecord(), laterBy(1));
    expect(resolving(begun, laterBy(2))).toBe(begun);
    const known = pinned(begun, found);
    expect(pinned(known, { ...found, digest: digestNamed("moved") })).toBe(known);
    const copying = resolved(known, resolution, laterBy(3));
    expect(resolved(copying, resolution, laterBy(4))).toBe(copying);
    const late = publishing(copying, laterBy(20));
    expect(publishing(late, laterBy(21))).toBe(late);
    const done = ended(late, { state: "Succeeded", warnings: ["b", "a"], progress }, laterBy(30));
    expect(ended(done, { state: "Succeeded" }, laterBy(31))).toBe(done);

    expect(importRecordSchema.parse(done)).toEqual(
      aRecord({
        state: "Succeeded",
        startedAt: laterBy(1).toISOString(),
        copyingAt: laterBy(3).toISOString(),
        publishingAt: laterBy(20).toISOString(),
        finishedAt: laterBy(30).toISOString(),
        source: found,
        targetDigest: digestNamed("target"),
        progress,
        warnings: ["a", "b"],
      }),
    );
  });

  it("keeps the digest found first when it resolves again", () => {
    const known = pinned(aRecord({ state: "Resolving" }), found);

    expect(resolved(known, { ...resolution, source: { ...found, digest: digestNamed("moved") } }, t0).source).toEqual(
      found,
    );
  });

  it("writes no tag once it was cancelled", () => {
    const cancelled = cancelRequested(aRecord({ state: "Copying" }), laterBy(1));

    expect(refusal(() => publishing(cancelled, t0)).code).toBe("CANCELLED");
  });

  it("keeps the error of a failure", () => {
    expect(ended(aRecord({ state: "Resolving" }), { state: "Failed", error }, laterBy(1)).error).toEqual(error);
  });

  it("cannot end twice in different ways", () => {
    const failed = ended(aRecord(), { state: "Failed", error }, laterBy(1));

    expect(refusal(() => ended(failed, { state: "Cancelled" }, laterBy(2))).code).toBe("IMPORT_STATE_CONFLICT");
    expect(refusal(() => publishing(failed, t0)).code).toBe("IMPORT_STATE_CONFLICT");
  });

  it("cannot become Cancelled while its tags are written", () => {
    const refused = refusal(() => ended(aRecord({ state: "Publishing" }), { state: "Cancelled" }, laterBy(1)));
    expect(refused.code).toBe("IMPORT_STATE_CONFLICT");
  });
});
