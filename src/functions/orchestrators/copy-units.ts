import type { OrchestrationContext } from "durable-functions";
import { type CheckedOutcome, steps } from "../steps.ts";
import { orchestratorFailed } from "./failure.ts";
import { anyRepeated, type CopyUnitsInput, copyUnitsInputSchema, repeated } from "./input.ts";
import { createRun, type Steps } from "./run.ts";

/** Up to 300 units of a large plan, so that no single history grows with the whole of it. Never throws. */
export const importSlice = createCopyOrchestrator(steps.copyBlobs);

/** The rounds of one blob that needs checkpoints, apart from the others so that nobody waits for them. Never throws. */
export const copyLargeBlob = createCopyOrchestrator(steps.copyBlobSegment);

function createCopyOrchestrator(step: typeof steps.copyBlobs) {
  return function* (ctx: OrchestrationContext): Steps<CheckedOutcome> {
    try {
      const input = copyUnitsInputSchema.parse(ctx.df.getInput());
      return yield* copyUnits(ctx, input, step);
    } catch (thrown) {
      return orchestratorFailed(ctx, thrown); // not thrown on: it holds kilobytes of host text
    }
  };
}

function* copyUnits(
  ctx: OrchestrationContext,
  input: CopyUnitsInput,
  step: typeof steps.copyBlobs,
): Steps<CheckedOutcome> {
  const { v, importId, attempt, round } = input;
  const run = createRun(ctx, input.course, input.waited);
  const end = yield* run.rounds(
    step,
    input.units.map((unit) => ({ v, importId, attempt, unit, round, ...repeated(input) })),
  );
  if (end.kind !== "full") return end;
  const units = end.left.map(({ unit }) => unit);
  const left = { units, round: end.left[0]?.round ?? round, ...anyRepeated(end.left) };
  ctx.df.continueAsNew({ ...input, ...left, waited: run.waited() });
  return { kind: "more" }; // not seen by anyone: the new generation's result is the result
}
