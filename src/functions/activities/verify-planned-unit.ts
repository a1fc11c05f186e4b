import type { ImportId } from "../../domain/import-id.ts";
import type { PlannedBlob, Unit } from "../../domain/import-plan.ts";
import { ImportError } from "../../errors.ts";
import type { Parts, PlacedBlob } from "../../store/parts.ts";
import type { BlobFault, VerifyUnit, VerifyUnitOutcome } from "../../transfer/verify-unit.ts";
import type { OpenedRepositories, OpenRepositories } from "../open-repositories.ts";
import type { SignsOfLife } from "../signs-of-life.ts";
import type { Incomplete } from "../steps.ts";
import type { ActivityContext } from "./activity-frame.ts";
import { toIncomplete } from "./plan-repair.ts";
import { createUnitReporter } from "./unit-reporter.ts";

export interface VerifyPlannedUnitDeps {
  readonly parts: Pick<Parts, "readBlobs" | "markVerified" | "reportUnit">;
  readonly repositories: {
    readonly ofImport: (
      ...of: Parameters<OpenRepositories["ofImport"]>
    ) => Promise<Pick<OpenedRepositories, "targets">>;
  };
  readonly verifyUnit: VerifyUnit;
  readonly life: Pick<SignsOfLife, "moved">;
  /** Milliseconds of a clock that nobody sets back. */
  readonly elapsedMs: () => number;
  /** A hash cannot be stored: nearly all of functionTimeout is the budget of one call. */
  readonly wholeBlobBudgetMs: number;
}

export interface UnitToVerify {
  readonly importId: ImportId;
  readonly unit: Unit;
  /** How often it was handed out before. */
  readonly round: number;
}

export type VerifyPlannedUnit = (
  unit: UnitToVerify,
  context: Pick<ActivityContext, "row" | "budget" | "signal">,
) => Promise<{ readonly kind: "done" } | { readonly kind: "more" } | Incomplete>;

/**
 * Reads a unit's blobs at the targets. What was found right is stored, whatever the end is, and not read again by a later
 * round. Two budgets without any such blob: `DEADLINE_EXCEEDED`. Reports bytes while it runs, as copying does: one blob may
 * take nearly two hours.
 */
export function createVerifyPlannedUnit(deps: VerifyPlannedUnitDeps): VerifyPlannedUnit {
  const { parts, repositories, verifyUnit, life, elapsedMs, wholeBlobBudgetMs } = deps;
  return async ({ importId, unit, round }, { row: { record }, budget, signal }) => {
    const { targets } = await repositories.ofImport(record, "verify");
    const before = round === 0 ? [] : (await parts.readBlobs(importId)).filter(({ isVerified }) => isVerified);
    const known = new Set(before.map(nameOf));
    const verified: PlacedBlob[] = [];
    const reporter = createUnitReporter(async (verifiedBytes) => {
      await parts.reportUnit(importId, unit.n, { copiedBytes: 0, verifiedBytes });
      await life.moved();
    });
    const context = {
      targets,
      isVerified: (target: number, digest: PlacedBlob["digest"]) => known.has(nameOf({ target, digest })),
      budget: { ...budget, endsAt: elapsedMs() + wholeBlobBudgetMs },
      onVerified: (blob: PlacedBlob) => verified.push(blob),
      onProgress: (bytes: number) => reporter.report(bytes, elapsedMs()),
    };
    let outcome: VerifyUnitOutcome;
    try {
      outcome = await verifyUnit(unit, context, signal);
    } finally {
      const reportedUnit = (await reporter.settled()) ? unit.n : undefined;
      if (verified.length > 0 || reportedUnit !== undefined) await parts.markVerified(importId, verified, reportedUnit);
    }
    switch (outcome.kind) {
      case "verified":
        return { kind: "done" };
      case "faulty":
        return toIncomplete({
          blobs: outcome.faults.map((fault) => toPlanned(unit, fault)),
          levels: [],
          error: worst(outcome.faults).toWire(),
        });
      case "more":
        if (verified.length > 0 || round === 0 || budget.stopping.aborted) return { kind: "more" };
        throw new ImportError({
          code: "DEADLINE_EXCEEDED",
          stage: "verify",
          what: "a blob could not be read again within two budgets of an activity",
          hint: "raise functionTimeout, or import with verify: manifest",
        });
    }
  };
}

function nameOf({ target, digest }: PlacedBlob): string {
  return `${target} ${digest}`;
}

function toPlanned({ blobs }: Unit, { target, digest }: BlobFault): PlannedBlob {
  const planned = blobs.find((blob) => blob.digest === digest);
  if (planned === undefined) throw new Error(`${digest} was verified and is not in the unit`);
  return { ...planned, targets: [target] };
}

/** What is there and wrong says more than what is not there. */
function worst(faults: readonly BlobFault[]): ImportError {
  const [first] = faults;
  if (first === undefined) throw new Error("a unit is faulty without a fault");
  return (faults.find(({ error }) => error.code === "TARGET_CONTENT_CORRUPT") ?? first).error;
}
