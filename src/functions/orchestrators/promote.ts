import type { OrchestrationContext, Task } from "durable-functions";
import { unreachable } from "../../errors.ts";
import { promotionSteps } from "../promotions/promotion-steps.ts";
import type { StepOutcome } from "../steps.ts";
import { orchestratorFailed } from "./failure.ts";
import { type PromoteInput, type PromotePhase, promoteInputSchema } from "./promote-input.ts";
import { cancelEvent, createRun, type Run, type Steps } from "./run.ts";

/** `finished`: the record has its end. Else: what is to be done next, in this instance or as new. */
type Next = PromotePhase | { readonly kind: "finished" };

const start: PromotePhase = { kind: "window", window: { oldest: "", newest: "" } };

/**
 * One attempt of a promotion: its items become rows, then a window moves over them, then the record gets its end. What
 * is cancelled goes the same way, and its items end as that. Never throws.
 */
export function* promote(ctx: OrchestrationContext): Steps<StepOutcome> {
  try {
    const input = promoteInputSchema.parse(ctx.df.getInput());
    const run = createRun(ctx, input.course, input.waited);
    let phase: PromotePhase = input.phase;
    while (run.hasRoomFor(1)) {
      const next: Next = yield* carryOut(ctx, run, { ...input, phase });
      if (next.kind === "finished") return { kind: "done" };
      phase = next;
    }
    ctx.df.continueAsNew({ ...input, phase, waited: run.waited() });
    return { kind: "more" };
  } catch (thrown) {
    return orchestratorFailed(ctx, thrown); // the sweep starts the attempt again: it goes on where the rows are
  }
}

function* carryOut(
  ctx: OrchestrationContext,
  run: Run,
  { v, promotionId, attempt, tickSeconds, phase }: PromoteInput,
): Steps<Next> {
  const ids = { v, promotionId, attempt };
  switch (phase.kind) {
    case "reset": {
      const outcome = yield* run.call(promotionSteps.resetPromotion, { ...ids, after: phase.after });
      if (outcome.kind === "next") return { ...phase, after: outcome.after };
      const then: PromotePhase = phase.isExpanded ? start : { kind: "expand", found: 0 };
      return yield* settle(run, outcome, phase, then);
    }
    case "expand": {
      const { cursor, found } = phase;
      const outcome = yield* run.call(promotionSteps.expandPromotion, { ...ids, found, ...(cursor && { cursor }) });
      if (outcome.kind === "next") return { ...phase, cursor: outcome.cursor, found: outcome.found };
      return yield* settle(run, outcome, phase, start);
    }
    case "window": {
      const outcome = yield* run.call(promotionSteps.advancePromotion, { ...ids, window: phase.window });
      if (outcome.kind !== "running")
        return yield* settle(run, outcome, phase, { kind: "finish", end: { kind: "done" } });
      yield* sleep(ctx, outcome.lookAgainSeconds ?? tickSeconds);
      return { ...phase, window: outcome.window };
    }
    case "finish": {
      const outcome = yield* run.call(promotionSteps.finishPromotion, { ...ids, end: phase.end });
      return outcome.kind === "wait" || outcome.kind === "more"
        ? yield* settle(run, outcome, phase, phase)
        : { kind: "finished" };
    }
    default:
      return unreachable(phase);
  }
}

/**
 * What a phase's outcome leads to: `same` again after a wait, `then` when it is done. Cancelled while it listed: the
 * window is what ends the items. `cancelled` of the window: the record is gone or of a later attempt, and no end is due.
 */
function* settle(run: Run, outcome: StepOutcome, same: PromotePhase, then: PromotePhase): Steps<Next> {
  const verdict = yield* run.settle([outcome]);
  switch (verdict.kind) {
    case "done":
      return then;
    case "again":
      return same;
    case "failed":
      return { kind: "finish", end: { kind: "failed", error: verdict.error } };
    case "cancelled":
      if (outcome.kind === "cancelled") return same.kind === "window" ? { kind: "finished" } : start;
      return same; // woken from a wait: the next call finds out why
    default:
      return unreachable(verdict);
  }
}

/** Until the next look, or until somebody has cancelled: both tasks new each time, the timer never left behind. */
function* sleep(ctx: OrchestrationContext, seconds: number): Steps<void> {
  const timer = ctx.df.createTimer(new Date(ctx.df.currentUtcDateTime.getTime() + Math.ceil(seconds * 1_000)));
  const cancelled = ctx.df.waitForExternalEvent(cancelEvent);
  const first: Task = yield ctx.df.Task.any([timer, cancelled]);
  if (first !== timer) timer.cancel();
}
