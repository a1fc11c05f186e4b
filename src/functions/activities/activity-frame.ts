import type { z } from "zod";
import { type ImportRecord, isCurrent, isStopped } from "../../domain/import-record.ts";
import { stopRequested, waitingFor } from "../../domain/import-transitions.ts";
import { waitSecondsAfter } from "../../domain/wait-seconds.ts";
import { ImportError, type ImportErrorWire, scrub } from "../../errors.ts";
import type { Imports, StoredImport } from "../../store/imports.ts";
import type { Budget } from "../../transfer/budget.ts";
import { type CancellationWatch, ImportStopped } from "../cancellation-watch.ts";
import type { Log } from "../log.ts";
import type { SignsOfLife } from "../signs-of-life.ts";
import type { StepInput, Unfinished } from "../steps.ts";
import type { StopImport } from "../stop-import.ts";

export interface ActivityDeps {
  readonly imports: Pick<Imports, "read" | "update">;
  readonly stop: StopImport;
  readonly cancellation: Pick<CancellationWatch, "watch">;
  readonly life: Pick<SignsOfLife, "begun" | "paused">;
  readonly stopping: AbortSignal;
  readonly budgetMs: number;
  readonly now: () => Date;
  /** Milliseconds of a clock that nobody sets back. */
  readonly elapsedMs: () => number;
  readonly log: Log;
}

export interface ActivityContext {
  /** As read when the activity began, with the ETag for its first write. */
  readonly row: StoredImport;
  readonly budget: Budget;
  /** Aborted when the import is stopped or its deadline passes. */
  readonly signal: AbortSignal;
  /** Content that was being sent came to a halt: where the outcome is `wait` it says so, for the next call. */
  readonly onCut: () => void;
}

export interface Activity<Input extends StepInput, Outcome extends { readonly kind: string }> {
  readonly name: string;
  readonly input: z.ZodType<Input>;
  /** `finisher`: it runs although the import was cancelled, has failed or is late, for it writes that end. */
  readonly role: "worker" | "finisher";
  /** Whether this call of a finisher is to stop when the import's time is over: tags are not written late. */
  readonly isTimed?: (input: Input) => boolean;
  readonly work: (input: Input, context: ActivityContext) => Promise<Outcome>;
}

/**
 * What all activities share: read the input by schema, look at the record before anything else, stop when the import
 * stops, and turn what was thrown into an outcome. Only what a repeat may cure is thrown on: the orchestration tries
 * it again.
 */
export function createActivityHandler<Input extends StepInput, Outcome extends { readonly kind: string }>(
  deps: ActivityDeps,
  activity: Activity<Input, Outcome>,
): (raw: unknown) => Promise<Outcome | Unfinished> {
  return async (raw) => {
    const input = activity.input.parse(raw);
    const row = await deps.imports.read(input.importId).catch(waitForStorage);
    if (row !== undefined && "kind" in row) return row;
    if (row === undefined || !isCurrent(row.record, input.attempt)) return { kind: "cancelled" }; // deleted, or of another attempt
    await deps.life.begun(row.record);
    if (activity.role === "finisher") {
      if (activity.isTimed?.(input) !== true)
        return await run(deps, activity, { input, row, signal: new AbortController().signal });
      using deadline = startDeadline(leftMs(deps, row));
      const outcome = await run(deps, activity, { input, row, signal: deadline.signal });
      return await noted(deps, { input, row }, withinDeadline(outcome, leftMs(deps, row)));
    }
    if (isStopped(row.record)) return { kind: "cancelled" };
    if (deps.stopping.aborted) return { kind: "wait", retryAfterSeconds: leaveSeconds };
    using watch = deps.cancellation.watch(input.importId);
    using deadline = startDeadline(leftMs(deps, row));
    const signal = AbortSignal.any([watch.signal, deadline.signal]);
    const outcome = await run(deps, activity, { input, row, signal });
    return await noted(deps, { input, row }, withinDeadline(outcome, leftMs(deps, row)));
  };
}

/** One call of an activity, and the import's row as it was read then. */
interface Call<Input extends StepInput> {
  readonly input: Input;
  readonly row: StoredImport;
}

async function run<Input extends StepInput, Outcome extends { readonly kind: string }>(
  deps: ActivityDeps,
  activity: Activity<Input, Outcome>,
  { input, row, signal }: Call<Input> & { readonly signal: AbortSignal },
): Promise<Outcome | Unfinished> {
  const budget = { endsAt: deps.elapsedMs() + deps.budgetMs, stopping: deps.stopping };
  let isCut = false;
  const onCut = (): void => {
    isCut = true;
  };
  const told = <Kind extends Outcome | Unfinished>(outcome: Kind): Kind | Wait =>
    isCut && isWait(outcome) ? { ...outcome, isCut } : outcome;
  try {
    signal.throwIfAborted();
    return told(await activity.work(input, { row, budget, signal, onCut }));
  } catch (thrown) {
    const cause: unknown = signal.aborted ? signal.reason : thrown; // whatever became of the abort further down
    const outcome = toUnfinished(cause instanceof DeadlinePassed ? lateError(row.record) : cause);
    logThrown(deps.log, { activity: activity.name, importId: input.importId, outcome, thrown: cause });
    if (outcome === undefined) throw new Error(scrub(cause instanceof Error ? cause.message : String(cause)));
    if (outcome.kind !== "failed" || activity.role === "finisher") return told(outcome);
    // The error goes into the record at once: this outcome may be lost in a crash, and the stop would not.
    return (await stopSiblings(deps, input, outcome.error)) ? outcome : { kind: "cancelled" };
  }
}

/** Stops what else runs for this attempt of the import; false: it is over, and another may be running. */
async function stopSiblings(deps: ActivityDeps, { importId, attempt }: StepInput, error: ImportErrorWire) {
  try {
    await deps.stop(importId, (record) => {
      if (record.attempt !== attempt) throw new ImportStopped("a later attempt has begun");
      return stopRequested(record, deps.now(), error);
    });
    return true;
  } catch (thrown) {
    if (thrown instanceof ImportStopped) return false;
    throw thrown;
  }
}

function leftMs({ now }: ActivityDeps, { record }: StoredImport): number {
  return Date.parse(record.deadlineAt) - now().getTime();
}

/** Leaves a trace of what is to be called again: else an import that waits looks like one that is stuck. */
async function noted<Outcome extends { readonly kind: string }>(
  deps: ActivityDeps,
  { input, row }: Call<StepInput>,
  outcome: Outcome | Unfinished,
): Promise<Outcome | Unfinished> {
  if (isWait(outcome)) await noteWait(deps, input, outcome);
  if (outcome.kind === "more" || (isWait(outcome) && outcome.error === undefined)) await deps.life.paused(row.record);
  return outcome;
}

/** Lets the record say what is waited for; that it cannot be said is no reason to fail. */
async function noteWait(deps: ActivityDeps, { importId, attempt }: StepInput, wait: Wait): Promise<void> {
  const { error, retryAfterSeconds } = wait;
  if (error === undefined || error.code === "STORAGE_UNAVAILABLE") return;
  const until = new Date(deps.now().getTime() + retryAfterSeconds * 1_000);
  try {
    await deps.imports.update(importId, (record) =>
      record.attempt === attempt ? waitingFor(record, error, until, deps.now()) : record,
    );
  } catch (thrown) {
    deps.log("wait-not-noted", { importId, error: scrub(String(thrown)) });
  }
}

/** No wait goes beyond the deadline: the next call is to find that it has passed. */
function withinDeadline<Outcome extends { readonly kind: string }>(
  outcome: Outcome | Unfinished,
  ms: number,
): Outcome | Unfinished {
  if (!isWait(outcome)) return outcome;
  return { ...outcome, retryAfterSeconds: Math.max(0, Math.min(outcome.retryAfterSeconds, Math.ceil(ms / 1_000))) };
}

type Wait = Extract<Unfinished, { kind: "wait" }>;

function isWait(outcome: { readonly kind: string }): outcome is Wait {
  return outcome.kind === "wait";
}

/** Storage that is away for a while costs an import time and not its end; what is wrong with it for good is thrown. */
function waitForStorage(thrown: unknown): Unfinished {
  const outcome = thrown instanceof ImportError && thrown.retryable ? toUnfinished(thrown) : undefined;
  if (outcome === undefined) throw thrown;
  return outcome;
}

/** Permanent → failed; passing → wait, at least as long as the registry said; bugs → undefined: thrown. */
export function toUnfinished(thrown: unknown): Unfinished | undefined {
  if (thrown instanceof ImportStopped) return { kind: "cancelled" };
  if (!(thrown instanceof ImportError) || thrown.code === "INTERNAL") return undefined;
  if (thrown.code === "CANCELLED") return { kind: "cancelled" }; // between its reading and its writing of the record
  if (thrown.code === "STORAGE_UNAVAILABLE" && !thrown.retryable) return undefined; // no end could be written either
  const error = thrown.toWire();
  if (!thrown.retryable || thrown.code === "DEADLINE_EXCEEDED") return { kind: "failed", error };
  return { kind: "wait", retryAfterSeconds: waitSecondsAfter(thrown), error };
}

/** For a process that is about to end: with `more` it would be asked again, at once and until it is gone. */
const leaveSeconds = 2;

class DeadlinePassed extends Error {
  override readonly name = "DeadlinePassed";
}

const longestTimerMs = 2 ** 31 - 1; // setTimeout fires at once beyond this

/** Aborts after `ms`, at once when that is in the past. Dispose it when the activity ends. */
function startDeadline(ms: number): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const pass = () => controller.abort(new DeadlinePassed("the import's time is over"));
  if (ms <= 0) pass();
  const timer = setTimeout(pass, Math.min(Math.max(ms, 0), longestTimerMs)).unref();
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

function lateError({ spec }: ImportRecord): ImportError {
  return new ImportError({
    code: "DEADLINE_EXCEEDED",
    what: `the import did not end within its ${spec.timeoutSeconds} s`,
    hint: "retry it: what was copied is kept; or ask for a longer timeoutSeconds",
    retryable: true,
  });
}

interface Thrown extends Pick<StepInput, "importId"> {
  readonly activity: string;
  readonly thrown: unknown;
  /** What it comes to; undefined: it is thrown on. */
  readonly outcome: Unfinished | undefined;
}

function logThrown(log: Log, { activity, importId, outcome, thrown }: Thrown): void {
  if (outcome === undefined) {
    const error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    log("activity-threw", { activity, importId, error: scrub(error) });
    return;
  }
  const error = outcome.kind === "failed" || outcome.kind === "wait" ? outcome.error : undefined;
  log(`activity-${outcome.kind}`, { activity, importId, code: error?.code, message: error?.message });
}
