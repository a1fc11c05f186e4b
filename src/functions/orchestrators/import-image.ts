import type { OrchestrationContext, Task } from "durable-functions";
import type { ImportPlan, Unit } from "../../domain/import-plan.ts";
import { unreachable } from "../../errors.ts";
import { type CopyInput, type ImportEnd, type StepOutcome, steps } from "../steps.ts";
import { stepsFailed } from "./failure.ts";
import { type CopyUnitsInput, type ImportImageInput, importImageInputSchema, nothingWaited } from "./input.ts";
import { createRun, type RoundsEnd, type Run, type Steps } from "./run.ts";

/** Registered names of the sub-orchestrations. */
export const subOrchestrators = { copyLargeBlob: "copyLargeBlob", importSlice: "importSlice" } as const;

const manifestsPerActivity = 100;

/** `finished`: the record has its end. `leftover`: this instance has called enough; go on as new with that. */
type Phase =
  | ImportEnd
  | { readonly kind: "finished" }
  | { readonly kind: "leftover"; readonly plan: ImportPlan | undefined; readonly round: number };

/**
 * One attempt of one import: resolve, copy, publish, finish. Whatever happens in between, finishImport writes the end
 * into the record. Never throws.
 */
export function* importImage(ctx: OrchestrationContext): Steps<StepOutcome> {
  try {
    const input = importImageInputSchema.parse(ctx.df.getInput());
    if (input.end !== undefined) return yield* finish(ctx, { ...input, end: input.end });
    const run = createRun(ctx, input.course, input.waited);
    const end = yield* guard(bringIn(ctx, run, input));
    if (end.kind === "finished") return { kind: "done" };
    if (end.kind !== "leftover") return yield* finish(ctx, { ...input, waited: run.waited(), end });
    const { plan: _done, ...rest } = input;
    const next: ImportImageInput = {
      ...rest,
      waited: run.waited(),
      round: end.round,
      ...(end.plan === undefined ? {} : { plan: end.plan }),
    };
    ctx.df.continueAsNew(next);
    return { kind: "more" };
  } catch {
    return stepsFailed(); // finishImport itself failed: the sweep ends the record
  }
}

/** A step that failed after all its retries ends the import as INTERNAL; its text stays in the log. */
function* guard(phase: Steps<Phase>): Steps<Phase> {
  try {
    return yield* phase;
  } catch {
    return stepsFailed();
  }
}

function* bringIn(ctx: OrchestrationContext, run: Run, input: ImportImageInput): Steps<Phase> {
  if (input.plan !== undefined) return yield* carryOut(ctx, run, input, input.plan);
  const { v, importId, attempt } = input;
  while (run.hasRoomFor(2)) {
    const outcome = yield* run.call(steps.resolveImport, { v, importId, attempt });
    if (outcome.kind === "done") return yield* carryOut(ctx, run, input, outcome.plan);
    const verdict = yield* run.settle([outcome]);
    if (verdict.kind === "failed" || verdict.kind === "cancelled") return verdict;
  }
  return { kind: "leftover", plan: undefined, round: 0 };
}

function* carryOut(ctx: OrchestrationContext, run: Run, input: ImportImageInput, plan: ImportPlan): Steps<Phase> {
  switch (plan.kind) {
    case "skip":
      return { kind: "skipped" };
    case "single": {
      const { v, importId, attempt, round } = input;
      const end = yield* run.rounds(steps.copyAndFinish, [{ v, importId, attempt, plan, round }]);
      if (end.kind === "done") return { kind: "finished" };
      return end.kind === "full" ? { kind: "leftover", plan, round: roundOf(end.left) } : end;
    }
    case "copy": {
      const copied = yield* copy(ctx, run, input, plan);
      if (copied.kind === "done") return yield* publish(run, input, plan);
      if (copied.kind !== "full") return copied;
      const units = copied.left.map(({ unit }) => unit);
      return { kind: "leftover", plan: { ...plan, units, large: [] }, round: roundOf(copied.left) };
    }
    default:
      return unreachable(plan.kind);
  }
}

/** All that is left of a series of rounds has been through the same number of them. */
function roundOf(left: readonly { readonly round: number }[]): number {
  return left[0]?.round ?? 0;
}

/** All units and all large blobs at once: the host's activity limit and the limits per registry bound what runs. */
function* copy(
  ctx: OrchestrationContext,
  run: Run,
  input: ImportImageInput,
  plan: ImportPlan,
): Steps<RoundsEnd<CopyInput>> {
  const { v, importId, attempt, course } = input;
  const isSliced = !run.hasRoomFor(plan.units.length);
  const children: (readonly [string, readonly Unit[]])[] = [
    ...plan.large.map((unit) => [subOrchestrators.copyLargeBlob, [unit]] as const),
    ...(isSliced ? chunk(plan.units, course.maxActivities) : []).map(
      (units) => [subOrchestrators.importSlice, units] as const,
    ),
  ];
  const beside: Task[] = children.map(([name, units], n) => {
    const child: CopyUnitsInput = { v, importId, attempt, course, waited: nothingWaited, units: [...units], round: 0 };
    return ctx.df.callSubOrchestrator(name, child, childInstanceId(importId, attempt, n));
  });
  const own = isSliced ? [] : plan.units.map((unit) => ({ v, importId, attempt, unit, round: input.round }));
  return yield* run.rounds(steps.copyBlobs, own, beside);
}

/** Children before the indexes that name them: a level starts when the one below it is there. */
function* publish(run: Run, input: ImportImageInput, plan: ImportPlan): Steps<Phase> {
  const { v, importId, attempt } = input;
  for (const [at, level] of plan.levels.entries()) {
    const batches = chunk(level, manifestsPerActivity).map((digests) => ({ v, importId, attempt, digests, round: 0 }));
    const end = yield* run.rounds(steps.publishManifests, batches);
    if (end.kind === "full") {
      const levels = [end.left.flatMap(({ digests }) => digests), ...plan.levels.slice(at + 1)];
      return { kind: "leftover", plan: { ...plan, units: [], large: [], levels }, round: 0 };
    }
    if (end.kind !== "done") return end;
  }
  return { kind: "published" };
}

/** Has a run of its own, and goes on as new like any other phase: the end of an import must not fail for want of room. */
function* finish(ctx: OrchestrationContext, input: ImportImageInput & { readonly end: ImportEnd }): Steps<StepOutcome> {
  const { v, importId, attempt, end } = input;
  const run = createRun(ctx, input.course, input.waited);
  const finished = yield* run.rounds(steps.finishImport, [{ v, importId, attempt, end, round: 0 }]);
  if (finished.kind === "full") {
    const next: ImportImageInput = { ...input, waited: run.waited() };
    ctx.df.continueAsNew(next);
    return { kind: "more" };
  }
  if (end.kind === "published" && finished.kind !== "done") {
    return yield* finish(ctx, { ...input, end: finished }); // no tag was to be had: the record has to say why
  }
  return finished.kind === "failed" ? finished : { kind: "done" };
}

/** Instance id of the n-th sub-orchestration (from 0, without gaps: cancel counts through them). */
export function childInstanceId(importId: string, attempt: number, n: number): string {
  return `${importId}-${attempt}-${n}`;
}

function chunk<Item>(items: readonly Item[], length: number): Item[][] {
  const chunks: Item[][] = [];
  for (let at = 0; at < items.length; at += length) chunks.push(items.slice(at, at + length));
  return chunks;
}
