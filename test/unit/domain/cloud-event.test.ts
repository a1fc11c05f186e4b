import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  importEvent,
  importEventSchema,
  promotionEvent,
  promotionEventSchema,
} from "../../../src/domain/cloud-event.ts";
import { importEventTypes } from "../../../src/domain/event-types.ts";
import type { ImportRecord } from "../../../src/domain/import-record.ts";
import { formatImport } from "../../../src/domain/import-view.ts";
import { promotionRecordSchema } from "../../../src/domain/promotion-record.ts";
import { formatQueueText, maxQueueTextBytes, queueTextBytes } from "../../../src/domain/queue-text.ts";
import { aDigest, anImportId, aRecord } from "../../helpers/import-records.ts";

const finishedAt = "2026-03-01T12:30:00.000Z";
const error = { code: "TARGET_LOCKED", message: "locked", retryable: false } as const;

function ended(changes: Partial<ImportRecord> = {}, spec: Partial<ImportRecord["spec"]> = {}): ImportRecord {
  const record = aRecord({ state: "Succeeded", finishedAt, targetDigest: aDigest("root"), ...changes });
  return { ...record, spec: { ...record.spec, ...spec } };
}

describe("the event of an import", () => {
  it.each([
    ["Succeeded", "drayage.import.succeeded"],
    ["Failed", "drayage.import.failed"],
    ["Skipped", "drayage.import.skipped"],
    ["Cancelled", "drayage.import.cancelled"],
  ] as const)("that ends %s is %s with what the API answers", (state, type) => {
    const record = ended({ state, attempt: 2, ...(state === "Failed" ? { error } : {}) });

    const event = importEvent(record, "/here");

    const { links: _, ...data } = formatImport(record, undefined, "http://drayage.test");
    expect(importEventSchema.parse(event)).toEqual({
      specversion: "1.0",
      id: `${record.id}-2`,
      source: "/here",
      type,
      subject: "target.example/alpine:3.20",
      time: finishedAt,
      datacontenttype: "application/json",
      data,
    });
  });

  it("is not there before the end", () => {
    expect(importEvent(aRecord({ state: "Publishing" }), "/here")).toBeUndefined();
  });

  it("names a repository without a tag", () => {
    const target = { registry: "target.example", tags: [], untaggedRepositories: ["mirror/app"] };

    expect(importEvent(ended({}, { target }), "/here")?.subject).toBe("target.example/mirror/app");
  });

  it("leaves out what is too long, the least useful first", () => {
    const labels = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`label-${at}`, '"'.repeat(300)]));
    const warnings = ["&".repeat(3_000)];

    const event = importEvent(ended({ warnings, error }, { labels }), "/here");

    expect(event?.data.omitted).toEqual(["error.upstream", "warnings", "labels"]);
    expect(event?.data).toMatchObject({ labels: {}, warnings: [], error: { code: "TARGET_LOCKED" } });
    expect(event?.data.target?.tags).toHaveLength(1);
  });

  it("fits a message whatever was asked for", () => {
    const text = fc.string({ unit: fc.constantFrom('"', "&", "<", "字", "\u0000", "\uffff", "a"), maxLength: 600 });
    const tag = fc.record({ repository: fc.constant("r".repeat(200)), tag: fc.constant("t".repeat(128)) });
    fc.assert(
      fc.property(
        fc.dictionary(text, text, { maxKeys: 50, size: "max" }),
        fc.array(text, { maxLength: 8, size: "max" }),
        fc.array(tag, { maxLength: 100, size: "max" }),
        fc.string({ unit: fc.constantFrom('"', "字"), maxLength: 1_000 }),
        (labels, warnings, tags, message) => {
          const target = { registry: "target.example", tags, untaggedRepositories: Array(100).fill("u".repeat(250)) };
          const record = ended({ state: "Failed", warnings, error: { ...error, message, hint: message } });

          const event = importEvent({ ...record, spec: { ...record.spec, labels, target } } as ImportRecord, "/here");

          const fits = queueTextBytes(formatQueueText({ v: 1, sink: "s".repeat(64), attempt: 20, event }));
          expect(fits).toBeLessThanOrEqual(maxQueueTextBytes);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("has a type for each state that is an end", () => {
    expect(importEventTypes).toHaveLength(4);
  });
});

describe("the event of a promotion", () => {
  it("has its counts and how it ended", () => {
    const counts = { pending: 0, queued: 0, succeeded: 3, skipped: 1, failed: 1, cancelled: 0, total: 5 };
    const promotion = promotionRecordSchema.parse({
      ...{
        v: 1,
        id: anImportId(),
        state: "Failed",
        trigger: { kind: "http" },
        request: { labels: { of: "plan" } },
        isExpanded: true,
      },
      ...{ attempt: 1, createdAt: "2026-03-01T12:00:00.000Z", finishedAt, error, warnings: [] },
    });

    const event = promotionEventSchema.parse(promotionEvent(promotion, counts, "/here"));

    expect(event).toMatchObject({ id: `${promotion.id}-1`, type: "drayage.promotion.completed", time: finishedAt });
    expect(event.subject).toBe(`promotions/${promotion.id}`);
    expect(event.data).toMatchObject({ state: "Failed", counts, error });
    expect(JSON.stringify(event)).not.toContain("plan");
  });
});
