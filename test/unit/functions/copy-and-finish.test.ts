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
  return await activity.work(input, { row, budget, signal }).catch((thrown: unknown) => thrown);
}

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
