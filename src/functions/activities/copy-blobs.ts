import type { Parts } from "../../store/parts.ts";
import { type CopyInput, copyInputSchema, type StepOutcome } from "../steps.ts";
import type { Activity } from "./activity-frame.ts";
import type { CopyPlannedUnit } from "./copy-planned-unit.ts";

export interface CopyBlobsDeps {
  readonly parts: Pick<Parts, "markDone">;
  readonly copyPlannedUnit: CopyPlannedUnit;
}

/** One unit of blobs: what is in place by its end is stored, whatever that end is. */
export function createCopyBlobs(deps: CopyBlobsDeps): Activity<CopyInput, StepOutcome> {
  return { ...createCopyBlobSegment(deps), name: "copyBlobs" };
}

/** The next segment of one blob with checkpoints: the same work, under a name that its histories can be told by. */
export function createCopyBlobSegment({ parts, copyPlannedUnit }: CopyBlobsDeps): Activity<CopyInput, StepOutcome> {
  return {
    name: "copyBlobSegment",
    input: copyInputSchema,
    role: "worker",
    work: async ({ importId, unit, round, isRepeated, isRepair }, context) => {
      const copied = await copyPlannedUnit({ importId, unit, round, isRepeated, isRepair }, context);
      if (copied.kind !== "done") return copied;
      await parts.markDone(importId, copied.results, copied.reportedUnit);
      return { kind: "done" };
    },
  };
}
