import { type OrchestrationContext, RetryOptions, type Task } from "durable-functions";
import { joinRepairs } from "../../domain/repair.ts";
import type { CheckedOutcome, Incomplete, Step, StepOutcome } from "../steps.ts";
import type { Course, Waited } from "./input.ts";
import { judgeRound, type Verdict } from "./judge-round.ts";

/** An orchestrator, or a part of one. */
// biome-ignore lint/suspicious/noExplicitAny: the one place where the SDK's untyped results enter
export type Steps<Result> = Generator<Task, Result, any>;

/** The event that wakes a sleeping orchestration of a cancelled import. The import's row is what counts. */
export const cancelEvent = "cancel";

/**
 * How a series of rounds ended. `full`: this instance has called enough; go on as new with what is left. `incomplete`:
 * the same, once what the target lacks is there.
 */
export type RoundsEnd<Input> =
  | Exclude<Verdict, { kind: "again" }>
  | (Incomplete & { readonly left: readonly Input[] })
  | { readonly kind: "full"; readonly left: readonly Input[] };

/** An input of a step that may be called again. `isRepeated` is kept up to date where it is there. */
export interface Repeatable {
  readonly round: number;
  readonly isRepeated?: boolean | undefined;
}

export interface Run {
  /** One activity, tried again as the course says; throws when it still fails. */
  readonly call: <Input, Output>(step: Step<Input, Output>, input: Input) => Steps<Output>;
  /** Judges a round, and when some are left sleeps as long as they ask for; `cancelled` also when woken from that. */
  readonly settle: (outcomes: readonly StepOutcome[]) => Steps<Verdict>;
  /**
   * Calls `step` for every input at once, and again for those that must wait or have more to do, until all are done
   * or one of them ends the import. `beside`: sub-orchestrations that run along in the first round.
   */
  readonly rounds: <Input extends Repeatable>(
    step: Step<Input, CheckedOutcome>,
    inputs: readonly Input[],
    beside?: readonly Task[],
  ) => Steps<RoundsEnd<Input>>;
  /** Rounds over any number of inputs: as many at once as one instance may call. */
  readonly chunkedRounds: <Input extends Repeatable>(
    step: Step<Input, CheckedOutcome>,
    inputs: readonly Input[],
  ) => Steps<RoundsEnd<Input>>;
  /** Whether this instance may still call `count` activities, or has called none yet. */
  readonly hasRoomFor: (count: number) => boolean;
  /** What has been waited for so far, for the input of the next generation. */
  readonly waited: () => Waited;
}

/** The calls of one orchestrator execution, counted against its course. */
export function createRun(ctx: OrchestrationContext, course: Course, before: Waited): Run {
  const retry = new RetryOptions(course.retry.firstMs, course.retry.attempts);
  retry.backoffCoefficient = course.retry.backoff;
  retry.maxRetryIntervalInMilliseconds = course.retry.maxMs;
  let waited = before;
  let calledAtMs = ctx.df.currentUtcDateTime.getTime();
  let activities = 0;

  const schedule = <Input, Output>(step: Step<Input, Output>, input: Input): Task => {
    activities += 1;
    calledAtMs = ctx.df.currentUtcDateTime.getTime();
    return ctx.df.callActivityWithRetry(step.name, retry, input);
  };

  const hasRoomFor = (count: number) => activities === 0 || activities + count <= course.maxActivities;

  function* settle(outcomes: readonly StepOutcome[]): Steps<Verdict> {
    const tookSeconds = (ctx.df.currentUtcDateTime.getTime() - calledAtMs) / 1_000;
    const verdict = judgeRound({ outcomes, tookSeconds }, waited, course);
    if (verdict.kind !== "again") return verdict;
    waited = verdict.waited;
    if (verdict.waitSeconds === 0) return verdict;
    const wake = new Date(ctx.df.currentUtcDateTime.getTime() + Math.ceil(verdict.waitSeconds * 1_000));
    const timer = ctx.df.createTimer(wake);
    const cancelled = ctx.df.waitForExternalEvent(cancelEvent);
    const first: Task = yield ctx.df.Task.any([timer, cancelled]); // both new each time: a task may be yielded in one race only
    if (first === timer) return verdict;
    timer.cancel(); // an instance ends only when its timers have
    return { kind: "cancelled" };
  }

  function* rounds<Input extends Repeatable>(
    step: Step<Input, CheckedOutcome>,
    inputs: readonly Input[],
    beside: readonly Task[] = [],
  ): Steps<RoundsEnd<Input>> {
    let left = inputs;
    let besides = beside;
    while (left.length + besides.length > 0) {
      if (!hasRoomFor(left.length)) return { kind: "full", left };
      const tasks = [...left.map((input) => schedule(step, input)), ...besides];
      const outcomes: readonly CheckedOutcome[] = yield ctx.df.Task.all(tasks);
      const lacking = outcomes.flatMap((outcome) => (outcome.kind === "incomplete" ? [outcome] : []));
      const verdict = yield* settle(outcomes.flatMap((outcome) => (outcome.kind === "incomplete" ? [] : [outcome])));
      if (verdict.kind === "failed" || verdict.kind === "cancelled") return verdict;
      left = left.flatMap((input, at) => {
        const outcome = outcomes[at];
        if (outcome?.kind === "done") return [];
        const isRepeated = input.isRepeated === true || wasCut(outcome);
        return [{ ...input, round: input.round + 1, ...(input.isRepeated !== undefined && { isRepeated }) }];
      });
      besides = []; // a sub-orchestration ends done, failed or cancelled: it needs no further round
      const [first] = lacking;
      if (first !== undefined) return { ...first, repair: joinRepairs(lacking.map(({ repair }) => repair)), left };
    }
    return { kind: "done" };
  }

  return {
    *call(step, input) {
      return yield schedule(step, input);
    },
    settle,
    rounds,
    *chunkedRounds(step, inputs) {
      for (let at = 0; at < inputs.length; at += course.maxActivities) {
        const end = yield* rounds(step, inputs.slice(at, at + course.maxActivities));
        if (end.kind === "full" || end.kind === "incomplete")
          return { ...end, left: [...end.left, ...inputs.slice(at + course.maxActivities)] };
        if (end.kind !== "done") return end;
      }
      return { kind: "done" };
    },
    hasRoomFor,
    waited: () => waited,
  };
}

/** Whether a step has ended in the midst of content, of which the next call is to keep as much as it can. */
function wasCut(outcome: CheckedOutcome | undefined): boolean {
  return outcome?.kind === "more" || (outcome?.kind === "wait" && outcome.isCut === true);
}
