import type { OrchestrationContext, Task } from "durable-functions";
import type { ImportPlan, Unit } from "../../domain/import-plan.ts";
import { withRepair } from "../../domain/repair.ts";
import { unreachable } from "../../errors.ts";
import {
  type CopyInput,
  type FinishInput,
  type ImportEnd,
  type StepOutcome,
  steps,
  type VerifyInput,
} from "../steps.ts";
import { orchestratorFailed } from "./failure.ts";
import {
  anyRepeated,
  type CopyUnitsInput,
  type ImportImageInput,
  importImageInputSchema,
  nothingWaited,
  repeated,
} from "./input.ts";
import { createRun, type Repeatable, type RoundsEnd, type Run, type Steps } from "./run.ts";

/** Registered names of the sub-orchestrations. */
export const subOrchestrators = { copyLargeBlob: "copyLargeBlob", importSlice: "importSlice" } as const;

const manifestsPerActivity = 100;

/** `finished`: the record has its end. `leftover`: this instance has called enough; go on as new with that. */
type Phase = ImportEnd | { readonly kind: "finished" } | Leftover;

interface Leftover {
  readonly kind: "leftover";
  readonly plan: ImportPlan | undefined;
  readonly round: number;
  readonly isRepeated?: true;
  /** The plan begins with a repair. */
  readonly isRepaired?: true;
}

/**
 * One attempt of one import: resolve, copy, verify, publish, finish. Whatever happens in between, finishImport writes the
 * end into the record. Never throws.
 */
export function* importImage(ctx: OrchestrationContext): Steps<StepOutcome> {
  try {
    const input = importImageInputSchema.parse(ctx.df.getInput());
    if (input.end !== undefined) return yield* finish(ctx, { ...input, end: input.end });
    const run = createRun(ctx, input.course, input.waited);
    const end = yield* guard(ctx, bringIn(ctx, run, input));
    if (end.kind === "finished") return { kind: "done" };
    if (end.kind !== "leftover") return yield* finish(ctx, { ...input, waited: run.waited(), end });
    goOnAsNew(ctx, run, input, end);
    return { kind: "more" };
  } catch (thrown) {
    return orchestratorFailed(ctx, thrown); // finishImport itself failed: the sweep ends the record
  }
}

function goOnAsNew(ctx: OrchestrationContext, run: Run, input: ImportImageInput, leftover: Leftover): void {
  const { plan: _done, end: _end, isRepeated: _repeated, ...rest } = input;
  const { plan, round, isRepeated, isRepaired } = leftover;
  const next: ImportImageInput = {
    ...rest,
    waited: run.waited(),
    round,
    ...(plan === undefined ? {} : { plan }),
    ...(isRepeated && { isRepeated }),
    ...(isRepaired && { isRepaired }),
  };
  ctx.df.continueAsNew(next);
}

/** A step that failed after all its retries ends the import as INTERNAL; its text stays in the log. */
function* guard(ctx: OrchestrationContext, phase: Steps<Phase>): Steps<Phase> {
  try {
    return yield* phase;
  } catch (thrown) {
    return orchestratorFailed(ctx, thrown);
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
      const end = yield* run.rounds(steps.copyAndFinish, [{ v, importId, attempt, plan, round, ...repeated(input) }]);
      return end.kind === "done" ? { kind: "finished" } : toPhase(input, end, () => plan);
    }
    case "delegate": {
      const { v, importId, attempt, round } = input;
      const end = yield* run.rounds(steps.delegateImport, [{ v, importId, attempt, round }]);
      return end.kind === "done" ? { kind: "delegated" } : toPhase(input, end, () => plan);
    }
    case "copy": {
      const copied = yield* copy(ctx, run, input, plan);
      if (copied.kind !== "done") {
        return toPhase(input, copied, (left) => ({ ...plan, units: left.map(({ unit }) => unit), large: [] }));
      }
      const rest = { ...plan, units: [], large: [] };
      const verified = yield* verify(run, input, plan);
      if (verified.kind !== "done") {
        return toPhase(input, verified, (left) => ({ ...rest, verify: left.map(({ unit }) => unit) }));
      }
      return yield* publish(run, input, { ...rest, ...(plan.verify && { verify: [] }) });
    }
    default:
      return unreachable(plan.kind);
  }
}

type RoundsCut<Input> = Exclude<RoundsEnd<Input>, { kind: "done" }>;

/**
 * What rounds that have not done everything mean for the import. What the target was found to lack is brought in once per
 * attempt, before what is left.
 */
function toPhase<Input extends Repeatable>(
  { isRepaired }: ImportImageInput,
  end: RoundsCut<Input>,
  planOf: (left: readonly Input[]) => ImportPlan,
): Phase {
  switch (end.kind) {
    case "full":
      return { kind: "leftover", plan: planOf(end.left), round: roundOf(end.left), ...anyRepeated(end.left) };
    case "incomplete":
      if (isRepaired) return { kind: "failed", error: end.error };
      return { kind: "leftover", plan: withRepair(planOf(end.left), end.repair), round: 0, isRepaired: true };
    default:
      return end;
  }
}

/** All that is left of a series of rounds has been through the same number of them. */
function roundOf(left: readonly { readonly round: number }[]): number {
  return left[0]?.round ?? 0;
}

/**
 * All units and all large blobs at once: the host's activity limit and the limits per registry bound what runs. A repair
 * starts no sub-orchestrations: their ids are those of the first copy.
 */
function* copy(
  ctx: OrchestrationContext,
  run: Run,
  input: ImportImageInput,
  plan: ImportPlan,
): Steps<RoundsEnd<CopyInput>> {
  const { v, importId, attempt, course, round, isRepaired } = input;
  if (isRepaired) {
    const repairs = plan.units.map((unit) => ({
      v,
      importId,
      attempt,
      unit,
      round,
      ...repeated(input),
      isRepair: isRepaired,
    }));
    return yield* run.chunkedRounds(steps.copyBlobs, repairs);
  }
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
  const own = isSliced ? [] : plan.units.map((unit) => ({ v, importId, attempt, unit, round, ...repeated(input) }));
  return yield* run.rounds(steps.copyBlobs, own, beside);
}

/** Reads again what is at the target, where that was asked for: before anything refers to it. */
function* verify(run: Run, input: ImportImageInput, plan: ImportPlan): Steps<RoundsEnd<VerifyInput>> {
  const { v, importId, attempt } = input;
  const round = plan.units.length === 0 ? input.round : 0; // else that counts the rounds of copying
  const units = (plan.verify ?? []).map((unit) => ({ v, importId, attempt, unit, round }));
  return yield* run.chunkedRounds(steps.verifyBlobs, units);
}

/** Children before the indexes that name them: a level starts when the one below it is there. */
function* publish(run: Run, input: ImportImageInput, plan: ImportPlan): Steps<Phase> {
  const { v, importId, attempt } = input;
  for (const [at, level] of plan.levels.entries()) {
    const batches = chunk(level, manifestsPerActivity).map((digests) => ({ v, importId, attempt, digests, round: 0 }));
    const end = yield* run.rounds(steps.publishManifests, batches);
    if (end.kind === "done") continue;
    const later = plan.levels.slice(at + 1);
    const phase = toPhase(input, end, (left) => ({
      ...plan,
      levels: [left.flatMap((batch) => batch.digests), ...later],
    }));
    return phase.kind === "leftover" ? { ...phase, round: 0 } : phase;
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
  if (finished.kind === "incomplete" && !input.isRepaired) {
    goOnAsNew(ctx, run, input, { kind: "leftover", plan: finished.repair, round: 0, isRepaired: true });
    return { kind: "more" };
  }
  const outcome: RoundsEnded = finished.kind === "incomplete" ? { kind: "failed", error: finished.error } : finished;
  if ((end.kind === "published" || end.kind === "delegated") && outcome.kind !== "done") {
    return yield* finish(ctx, { ...input, end: outcome }); // no tag was to be had: the record has to say why
  }
  return outcome.kind === "failed" ? outcome : { kind: "done" };
}

type RoundsEnded = Exclude<RoundsEnd<FinishInput>, { kind: "full" | "incomplete" }>;

/** Instance id of the n-th sub-orchestration (from 0, without gaps: cancel counts through them). */
export function childInstanceId(importId: string, attempt: number, n: number): string {
  return `${importId}-${attempt}-${n}`;
}

function chunk<Item>(items: readonly Item[], length: number): Item[][] {
  const chunks: Item[][] = [];
  for (let at = 0; at < items.length; at += length) chunks.push(items.slice(at, at + length));
  return chunks;
}
