import type { ErrorCode, ImportErrorWire } from "../../errors.ts";
import type { StepOutcome } from "../steps.ts";
import type { Course, Waited } from "./input.ts";

export type Verdict =
  | { readonly kind: "failed"; readonly error: ImportErrorWire }
  | { readonly kind: "cancelled" }
  | { readonly kind: "done" }
  /** Some are left: call those again after `waitSeconds`. */
  | { readonly kind: "again"; readonly waitSeconds: number; readonly waited: Waited };

const longestWaitSeconds = 300; // a sibling's failure does not wake a sleeper: it is noticed at the latest after this
const unreachable: readonly ErrorCode[] = ["SOURCE_UNAVAILABLE", "TARGET_UNAVAILABLE"];

export interface Round {
  readonly outcomes: readonly StepOutcome[];
  /** How long the steps took: one that only waits does so within its step as well, when it is asked for seconds. */
  readonly tookSeconds: number;
}

/** What a whole round of outcomes means for the import. A permanent failure wins over the siblings it stopped. */
export function judgeRound({ outcomes, tookSeconds }: Round, before: Waited, course: Course): Verdict {
  for (const outcome of outcomes) if (outcome.kind === "failed") return outcome;
  if (outcomes.some(({ kind }) => kind === "cancelled")) return { kind: "cancelled" };
  const waits = outcomes.flatMap((outcome) => (outcome.kind === "wait" ? [outcome] : []));
  if (waits.length === 0) {
    return outcomes.every(({ kind }) => kind === "done")
      ? { kind: "done" }
      : { kind: "again", waitSeconds: 0, waited: { ...before, unreachableRounds: 0 } };
  }
  const waitSeconds = Math.min(longestWaitSeconds, Math.max(...waits.map((wait) => wait.retryAfterSeconds)));
  const hasProgress = waits.length < outcomes.length;
  const isUnreachable = waits.some(({ error }) => error !== undefined && unreachable.includes(error.code));
  const waited = {
    waitedSeconds: before.waitedSeconds + waitSeconds + (hasProgress ? 0 : tookSeconds),
    unreachableRounds: isUnreachable && !hasProgress ? before.unreachableRounds + 1 : 0,
  };
  const error = waits.find((wait) => wait.error !== undefined)?.error;
  const isOver = waited.waitedSeconds > course.maxWaitSeconds || waited.unreachableRounds > course.maxUnreachableRounds;
  if (error !== undefined && isOver) return { kind: "failed", error };
  return { kind: "again", waitSeconds, waited };
}
