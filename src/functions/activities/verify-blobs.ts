import { verifying } from "../../domain/import-transitions.ts";
import type { Imports } from "../../store/imports.ts";
import { holdRow } from "../held-row.ts";
import { type CheckedOutcome, type VerifyInput, verifyInputSchema } from "../steps.ts";
import type { Activity } from "./activity-frame.ts";
import type { VerifyPlannedUnit } from "./verify-planned-unit.ts";

export interface VerifyBlobsDeps {
  readonly imports: Pick<Imports, "replace" | "update">;
  readonly verifyPlannedUnit: VerifyPlannedUnit;
  readonly now: () => Date;
}

/** One unit of blobs is read again at the target, before any manifest refers to them there. */
export function createVerifyBlobs({
  imports,
  verifyPlannedUnit,
  now,
}: VerifyBlobsDeps): Activity<VerifyInput, CheckedOutcome> {
  return {
    name: "verifyBlobs",
    input: verifyInputSchema,
    role: "worker",
    work: async ({ importId, unit, round }, context) => {
      await holdRow(imports, context.row).change((record) => verifying(record, now()));
      return await verifyPlannedUnit({ importId, unit, round }, context);
    },
  };
}
