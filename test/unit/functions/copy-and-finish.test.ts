import { describe, expect, it } from "vitest";
import type { ImportPlan } from "../../../src/domain/import-plan.ts";
import { ImportError } from "../../../src/errors.ts";
import { createCopyAndFinish } from "../../../src/functions/activities/copy-and-finish.ts";
import type { PartResult } from "../../../src/store/parts.ts";
import { aDigest, aRecord } from "../../helpers/import-records.ts";
import { createMemoryImports } from "./memory-stores.ts";

const refused = new ImportError({ code: "TARGET_LOCKED", what: "the tag is locked" });
const level = aDigest("child");
const plan: ImportPlan = { v: 1, kind: "single", units: [], large: [], levels: [[level]] };
const put: PartResult = { kind: "manifest", target: 0, digest: level, via: "copied", ms: 1, attempts: 1 };

/** Runs the step of an import whose tag is refused, with this way to store what was put before. */
async function finishRefused(markDone: (results: readonly PartResult[]) => Promise<void>): Promise<unknown> {
  const record = aRecord({ state: "Copying" });
  const { imports } = createMemoryImports(record);
  const row = (await imports.read(record.id)) ?? expect.fail("the row is there");
  const unused = async () => expect.fail("nothing is copied, verified or ended");
  const activity = createCopyAndFinish({
    ...{ imports, copyPlannedUnit: unused, verifyPlannedUnit: unused, endImport: unused },
    parts: { markDone: async (_, results) => await markDone(results) },
    publishLevel: async () => ({ kind: "published", results: [put] }),
    publishRoot: async () => {
      throw refused;
    },
    now: () => new Date(),
  });
  const signal = new AbortController().signal;
  const budget = { endsAt: Number.POSITIVE_INFINITY, stopping: signal };
  const input = { v: 1, importId: record.id, attempt: 1, plan, round: 0 } as const;
  return await activity.work(input, { row, budget, signal, onCut: () => {} }).catch((thrown: unknown) => thrown);
}

it("stores what was copied before it is read again, so that who looks sees that, and the rest once at the end", async () => {
  const blob = { digest: aDigest("blob"), sizeBytes: 5, targets: [0] };
  const copied: PartResult = { kind: "blob", target: 0, digest: blob.digest, via: "copied", ms: 1, attempts: 1 };
  const unit = { n: 0, blobs: [blob] };
  const record = aRecord({ state: "Copying" });
  const { imports, record: stored } = createMemoryImports(record);
  const row = (await imports.read(record.id)) ?? expect.fail("the row is there");
  const steps: unknown[] = [];
  const activity = createCopyAndFinish({
    imports,
    parts: { markDone: async (_, results) => void steps.push(results) },
    copyPlannedUnit: async () => ({ kind: "done", results: [copied], reportedUnit: undefined }),
    verifyPlannedUnit: async () => {
      steps.push(stored(record.id)?.state);
      return { kind: "done" };
    },
    publishLevel: async () => ({ kind: "published", results: [put] }),
    publishRoot: async () => ({ kind: "published", results: [], warnings: [] }),
    endImport: async () => undefined,
    now: () => new Date(),
  });
  const signal = new AbortController().signal;
  const budget = { endsAt: Number.POSITIVE_INFINITY, stopping: signal };
  const whole: ImportPlan = { ...plan, units: [unit], verify: [unit] };
  const input = { v: 1, importId: record.id, attempt: 1, plan: whole, round: 0 } as const;

  await activity.work(input, { row, budget, signal, onCut: () => {} });

  expect(steps).toEqual([[copied], "Verifying", [put]]);
});

describe("copyAndFinish, when a tag is refused", () => {
  it("stores what was put before", async () => {
    const stored: PartResult[] = [];

    expect(await finishRefused(async (results) => void stored.push(...results))).toBe(refused);
    expect(stored).toEqual([put]);
  });

  it("ends with that refusal, also where storage cannot be reached", async () => {
    const unreachable = async () => {
      throw new ImportError({ code: "STORAGE_UNAVAILABLE", what: "storage does not answer", retryable: true });
    };

    expect(await finishRefused(unreachable)).toBe(refused);
  });
});
