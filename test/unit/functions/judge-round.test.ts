import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ErrorCode, ImportErrorWire } from "../../../src/errors.ts";
import { type Course, nothingWaited, type Waited } from "../../../src/functions/orchestrators/input.ts";
import { judgeRound } from "../../../src/functions/orchestrators/judge-round.ts";
import type { StepOutcome } from "../../../src/functions/steps.ts";

const course: Course = {
  retry: { firstMs: 1_000, attempts: 2, backoff: 2, maxMs: 2_000 },
  maxActivities: 300,
  maxWaitSeconds: 500,
  maxUnreachableRounds: 2,
};

const error = (code: ErrorCode): ImportErrorWire => ({ code, message: `what ${code} says`, retryable: true });
const done: StepOutcome = { kind: "done" };
const more: StepOutcome = { kind: "more" };
const cancelled: StepOutcome = { kind: "cancelled" };
const failed: StepOutcome = { kind: "failed", error: error("TARGET_LOCKED") };
const wait = (retryAfterSeconds: number, code?: ErrorCode): StepOutcome => ({
  kind: "wait",
  retryAfterSeconds,
  ...(code === undefined ? {} : { error: error(code) }),
});
const limited = (seconds: number) => wait(seconds, "TARGET_RATE_LIMITED");
const unreachable = wait(10, "SOURCE_UNAVAILABLE");

const judge = (outcomes: readonly StepOutcome[], before: Waited = nothingWaited) =>
  judgeRound({ outcomes, tookSeconds: 0 }, before, course);

describe("judgeRound", () => {
  it("is done when all are", () => {
    expect(judge([done, done])).toEqual({ kind: "done" });
  });

  it("goes on at once when some have more to do", () => {
    expect(judge([done, more])).toEqual({ kind: "again", waitSeconds: 0, waited: nothingWaited });
  });

  it("lets a permanent failure win over the siblings that it has cancelled", () => {
    expect(judge([cancelled, limited(10), failed, done])).toEqual(failed);
  });

  it("is cancelled when a step was, whatever the others wait for", () => {
    expect(judge([limited(10), cancelled, more])).toEqual({ kind: "cancelled" });
  });

  it("waits as long as the most patient registry asks", () => {
    expect(judge([limited(10), limited(30), done])).toMatchObject({ kind: "again", waitSeconds: 30 });
  });

  it("never sleeps longer than five minutes at once", () => {
    const patient = { ...course, maxWaitSeconds: 100_000 };

    expect(judgeRound({ outcomes: [limited(50_000)], tookSeconds: 0 }, nothingWaited, patient)).toMatchObject({
      waitSeconds: 300,
    });
  });

  it("counts what a step has waited within itself, but not while others got on", () => {
    const waiting = { outcomes: [limited(2)], tookSeconds: 120 };
    expect(judgeRound(waiting, nothingWaited, course)).toMatchObject({ waited: { waitedSeconds: 122 } });

    const mixed = { outcomes: [limited(2), more], tookSeconds: 120 };
    expect(judgeRound(mixed, nothingWaited, course)).toMatchObject({ waited: { waitedSeconds: 2 } });
  });

  it("adds waits up, and fails with what the registry says once they are too long together", () => {
    const first = judge([limited(300)]);
    if (first.kind !== "again") throw new Error("the first wait is short enough");

    expect(first.waited.waitedSeconds).toBe(300);
    expect(judge([limited(201)], first.waited)).toEqual({ kind: "failed", error: error("TARGET_RATE_LIMITED") });
    expect(judge([limited(200)], first.waited)).toMatchObject({ kind: "again" });
  });

  it("never gives up waiting for another import that copies the same blob", () => {
    expect(judge([wait(15)], { waitedSeconds: 1_000_000, unreachableRounds: 0 })).toMatchObject({ kind: "again" });
  });

  it("gives up after too many rounds in a row that find a registry unreachable", () => {
    expect(judge([unreachable], { waitedSeconds: 20, unreachableRounds: 1 })).toMatchObject({
      kind: "again",
      waited: { unreachableRounds: 2 },
    });
    expect(judge([unreachable], { waitedSeconds: 30, unreachableRounds: 2 })).toEqual({
      kind: "failed",
      error: error("SOURCE_UNAVAILABLE"),
    });
  });

  it.each([
    ["something was finished", [unreachable, done]],
    ["something has progressed", [unreachable, more]],
    ["a registry answers again, if only to ask for patience", [limited(10)]],
    ["nothing has to wait", [more]],
  ])("forgets unreachable rounds when %s", (_, outcomes) => {
    expect(judge(outcomes, { waitedSeconds: 0, unreachableRounds: 2 })).toMatchObject({
      kind: "again",
      waited: { unreachableRounds: 0 },
    });
  });

  it("ends the import exactly when a step failed, a step was cancelled, all are done or patience is over", () => {
    const anyOutcome = fc.constantFrom(done, more, cancelled, failed, unreachable, limited(100), wait(15));
    fc.assert(
      fc.property(fc.array(anyOutcome, { minLength: 1, maxLength: 6 }), (outcomes) => {
        const { kind } = judge(outcomes);

        const has = (wanted: StepOutcome["kind"]) => outcomes.some((outcome) => outcome.kind === wanted);
        const expected = has("failed")
          ? "failed"
          : has("cancelled")
            ? "cancelled"
            : has("more") || has("wait")
              ? "again"
              : "done";
        expect(kind).toBe(expected);
      }),
    );
  });
});
