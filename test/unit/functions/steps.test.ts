import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { copyUnitsInputSchema, importImageInputSchema } from "../../../src/functions/orchestrators/input.ts";
import { promoteInputSchema } from "../../../src/functions/orchestrators/promote-input.ts";
import {
  advanceInputSchema,
  expandInputSchema,
  finishPromotionInputSchema,
  resetInputSchema,
} from "../../../src/functions/promotions/promotion-steps.ts";
import {
  copyAndFinishInputSchema,
  copyInputSchema,
  delegateInputSchema,
  finishInputSchema,
  publishInputSchema,
  stepInputSchema,
  verifyInputSchema,
} from "../../../src/functions/steps.ts";
import { aDigest, anImportId } from "../../helpers/import-records.ts";

const common = { v: 1, importId: anImportId(), attempt: 1 };
const unit = { n: 0, blobs: [{ digest: aDigest("a"), sizeBytes: 1, targets: [0] }] };
const plan = { v: 1, kind: "copy", units: [unit], large: [unit], levels: [[aDigest("m")]], verify: [unit] };
const error = {
  code: "TARGET_LOCKED",
  message: "locked",
  retryable: false,
  upstream: [{ code: "DENIED", message: "x" }],
};
const end = { kind: "failed", error };
const course = {
  retry: { firstMs: 1, attempts: 1, backoff: 1, maxMs: 1 },
  maxActivities: 1,
  maxWaitSeconds: 1,
  maxUnreachableRounds: 1,
};
const begun = { ...common, course, waited: { waitedSeconds: 0, unreachableRounds: 0 }, round: 0 };
const promotion = { v: 1, promotionId: anImportId(), attempt: 1 };
const position = { after: "a", skip: 0 };
const cursor = { v: 1, named: 0, catalog: position, tags: { ...position, repository: "r" } };
const window = { oldest: "a", newest: "b", apart: [] };

const inputs: readonly (readonly [string, z.ZodType, object])[] = [
  ["any step", stepInputSchema, common],
  ["copying", copyInputSchema, { ...common, unit, round: 0, isRepair: true }],
  ["verifying", verifyInputSchema, { ...common, unit, round: 0 }],
  ["copying in one step", copyAndFinishInputSchema, { ...common, plan, round: 0 }],
  ["publishing", publishInputSchema, { ...common, digests: [aDigest("m")], round: 0 }],
  ["delegating", delegateInputSchema, { ...common, round: 0 }],
  ["finishing", finishInputSchema, { ...common, end, round: 0 }],
  ["an import", importImageInputSchema, { ...begun, plan, end }],
  ["units of an import", copyUnitsInputSchema, { ...begun, units: [unit] }],
  ["resetting a promotion", resetInputSchema, { ...promotion, after: "a" }],
  ["expanding a promotion", expandInputSchema, { ...promotion, cursor, found: 0 }],
  ["going on with a promotion", advanceInputSchema, { ...promotion, window }],
  ["finishing a promotion", finishPromotionInputSchema, { ...promotion, end }],
  [
    "a promotion",
    promoteInputSchema,
    { ...promotion, course, waited: begun.waited, tickSeconds: 1, phase: { kind: "window", window } },
  ],
  [
    "a promotion that expands",
    promoteInputSchema,
    { ...promotion, course, waited: begun.waited, tickSeconds: 1, phase: { kind: "expand", cursor, found: 0 } },
  ],
];

/** With a field that only a newer version knows, at every place that has fields. */
function fromNewer(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromNewer);
  if (typeof value !== "object" || value === null) return value;
  return { ...Object.fromEntries(Object.entries(value).map(([key, of]) => [key, fromNewer(of)])), isNew: true };
}

describe("what an instance of a newer version hands to one of this", () => {
  it.each(inputs)("is read without the fields that only the newer one knows: %s", (_of, schema, input) => {
    expect(schema.parse(fromNewer(input))).toEqual(input);
  });

  it.each([
    ["an import", finishInputSchema, { ...common, round: 0 }],
    ["a promotion", finishPromotionInputSchema, promotion],
  ])("is read with the text of an error whose code only the newer one knows: the end of %s", (_of, schema, input) => {
    const newer = { ...error, code: "TARGET_ON_FIRE", stage: "extinguish", side: "target", retryable: true };

    expect(schema.parse({ ...input, end: { kind: "failed", error: newer } })).toEqual({
      ...input,
      end: {
        kind: "failed",
        error: { ...error, code: "INTERNAL", message: "TARGET_ON_FIRE: locked", side: "target", retryable: true },
      },
    });
  });

  it("is refused where a field is missing that this one needs", () => {
    expect(copyInputSchema.safeParse(common).success).toBe(false);
  });
});
