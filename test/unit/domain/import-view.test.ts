import { describe, expect, it } from "vitest";
import type { ImportRecord } from "../../../src/domain/import-record.ts";
import { formatImport, importViewSchema } from "../../../src/domain/import-view.ts";
import { sumProgress, withRate } from "../../../src/domain/progress.ts";
import { createReject } from "../../../src/domain/rejected-import.ts";
import { ImportError } from "../../../src/errors.ts";
import { aRecord, aSpec, digestNamed, laterBy, t0 } from "./records.ts";

const counts = {
  manifests: { total: 8, done: 3 },
  blobs: { total: 24, done: 11 },
  bytes: { total: 1_000, copied: 300, mounted: 100, skipped: 200 },
};

describe("formatImport", () => {
  it("shows of an import whose cause could not be read what could be read, and nothing that stands for the rest", async () => {
    const records: ImportRecord[] = [];
    const insertImport = async (record: ImportRecord) => {
      records.push(record);
      return "inserted" as const;
    };
    const reject = createReject({ insertImport, afterEnd: async () => {}, now: () => t0 });
    const error = new ImportError({ code: "INVALID_REQUEST", what: "no" }).toWire();
    const { target } = aSpec();
    for (const readable of [target, undefined]) {
      const { id, trigger } = aRecord();
      await reject({ id, trigger, spec: undefined, target: readable, error, causedAt: t0 });
    }

    const views = records.map((record) => importViewSchema.parse(formatImport(record, undefined, "https://a.example")));

    expect(views.map(({ source }) => source)).toEqual([undefined, undefined]);
    expect(views.map((view) => view.target?.registry)).toEqual([target.registry, undefined]);
    expect(views[0]?.target?.tags).toEqual(["alpine:3.20"]);
  });

  it("shows a fresh import", () => {
    const record = aRecord({ trigger: { kind: "queue", ref: "m1" }, spec: aSpec({ labels: { team: "x" } }) });

    const view = importViewSchema.parse(formatImport(record, undefined, "https://app.example"));

    expect(view).toEqual({
      id: record.id,
      state: "Accepted",
      trigger: { kind: "queue", ref: "m1" },
      labels: { team: "x" },
      source: { registry: "docker.io", repository: "library/alpine", reference: "3.20" },
      target: { registry: "prod.azurecr.io", tags: ["alpine:3.20"], untaggedRepositories: ["mirror/alpine"] },
      conflict: "fail",
      sparseIndex: false,
      verify: "manifest",
      foreignLayers: "auto",
      timeoutSeconds: 60,
      attempt: 1,
      createdAt: t0.toISOString(),
      timeline: [{ state: "Accepted", at: t0.toISOString() }],
      warnings: [],
      links: {
        self: `https://app.example/api/imports/${record.id}`,
        parts: `https://app.example/api/imports/${record.id}/parts`,
        cancel: `https://app.example/api/imports/${record.id}/cancel`,
        retry: `https://app.example/api/imports/${record.id}/retry`,
      },
    });
  });

  it("shows the progress of the moment while it runs, and what was resolved", () => {
    const record = aRecord({
      state: "Copying",
      startedAt: t0.toISOString(),
      source: { digest: digestNamed("s"), mediaType: "m" },
      targetDigest: digestNamed("t"),
    });

    const view = importViewSchema.parse(formatImport(record, withRate(counts, t0, laterBy(3)), "https://app.example"));

    expect(view.source).toMatchObject({ digest: digestNamed("s"), mediaType: "m" });
    expect(view.target?.digest).toBe(digestNamed("t"));
    expect(view.progress).toEqual({ ...counts, bytesPerSecond: 100, etaSeconds: 4 });
  });

  it("shows an ended import by its own counts, with the rate of the whole run", () => {
    const error = new ImportError({ code: "SOURCE_NOT_FOUND", what: "gone" }).toWire();
    const record = aRecord({
      state: "Failed",
      startedAt: t0.toISOString(),
      finishedAt: laterBy(10).toISOString(),
      progress: { ...counts, bytesPerSecond: 0, etaSeconds: 7 },
      error,
    });

    const view = importViewSchema.parse(
      formatImport(record, withRate(counts, t0, laterBy(999)), "https://app.example"),
    );

    expect(view).toMatchObject({ state: "Failed", error, progress: { ...counts, bytesPerSecond: 30 } });
    expect(view.progress?.etaSeconds).toBeUndefined();
  });

  it("refers to an untagged source by its digest", () => {
    const spec = aSpec({ source: { registry: "ghcr.io", repository: "a/b", digest: digestNamed("s") } });

    expect(formatImport(aRecord({ spec }), undefined, "https://app.example").source).toEqual({
      registry: "ghcr.io",
      repository: "a/b",
      reference: digestNamed("s"),
      digest: digestNamed("s"),
    });
  });
});

describe("sumProgress", () => {
  it("counts a blob by its part once that is done, and by its unit until then", () => {
    const progress = sumProgress({
      parts: [
        { kind: "manifest", state: "done", via: "copied", sizeBytes: 5 },
        { kind: "manifest", state: "pending", sizeBytes: 5 },
        { kind: "blob", state: "done", via: "copied", sizeBytes: 100 },
        { kind: "blob", state: "done", via: "mounted", sizeBytes: 50 },
        { kind: "blob", state: "done", via: "skipped", sizeBytes: 25 },
        { kind: "blob", state: "pending", sizeBytes: 300 },
      ],
      units: [{ copiedBytes: 60 }, { copiedBytes: 40 }],
      startedAt: t0,
      now: laterBy(4),
    });

    expect(progress).toEqual({
      manifests: { total: 2, done: 1 },
      blobs: { total: 4, done: 3 },
      bytes: { total: 475, copied: 200, mounted: 50, skipped: 25 },
      bytesPerSecond: 50,
      etaSeconds: 4,
    });
  });
});

describe("withRate", () => {
  it("never shows more bytes than there are, however often a copy was begun again", () => {
    const again = { ...counts, bytes: { ...counts.bytes, copied: 5_000 } };

    expect(withRate(again, t0, laterBy(1)).bytes.copied).toBe(700);
  });

  it("knows no rate before the start", () => {
    expect(withRate(counts, undefined, t0)).toEqual({ ...counts, bytesPerSecond: 0 });
    expect(withRate(counts, t0, t0)).toEqual({ ...counts, bytesPerSecond: 0 });
  });
});
