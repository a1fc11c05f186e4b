import type { OrchestrationHandler } from "durable-functions";
import { createOrchestrator, DummyOrchestrationContext } from "durable-functions/lib/src/util/testingUtils.js";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { callableNames } from "../../src/functions/orchestrators/callable.ts";
import { copyLargeBlob, importSlice } from "../../src/functions/orchestrators/copy-units.ts";
import { importImage } from "../../src/functions/orchestrators/import-image.ts";
import { courseSchema } from "../../src/functions/orchestrators/input.ts";
import { promote } from "../../src/functions/orchestrators/promote.ts";
import { lastState, payloadAt, readRecordings, type State, stateSchema } from "./support/history.ts";
import { actionsOf, storyOf } from "./support/story.ts";

const versions: readonly (readonly [string, OrchestrationHandler])[] = [
  ["import-image.v1", importImage],
  ["copy-large-blob.v1", copyLargeBlob],
  ["import-slice.v1", importSlice],
  ["promote.v1", promote],
];

/** One episode by the SDK's own executor; `log` is given what the orchestrator logs. */
async function replay(
  handler: OrchestrationHandler,
  payload: unknown,
  log: (line: string) => void = () => {},
): Promise<State> {
  const context = new DummyOrchestrationContext("replayed", "replayed", (_level, line) => log(String(line)));
  const state: unknown = await createOrchestrator(handler)(payload, context);
  return stateSchema.parse(JSON.parse(JSON.stringify(state)));
}

describe.each(versions)("%s", (folder, handler) => {
  it.each(readRecordings(folder))("replays $name without a divergence, from every prefix", async ({ generations }) => {
    for (const generation of generations) {
      for (const [at, { state }] of generation.episodes.entries()) {
        expect(await replay(handler, payloadAt(generation, at))).toEqual(state);
      }
    }
  });
});

describe("what an orchestrator logs", () => {
  /** The lines of all episodes of an execution, each of which replays those before it. */
  const linesOf = async (name: string): Promise<readonly string[]> => {
    const recording = readRecordings("import-image.v1").find((one) => one.name === name);
    const lines: string[] = [];
    for (const generation of recording?.generations ?? expect.fail(`no recording ${name}`)) {
      for (const at of generation.episodes.keys()) {
        await replay(importImage, payloadAt(generation, at), (line) => lines.push(line));
      }
    }
    return lines;
  };

  it("is once why a step has failed, however often that is replayed", async () => {
    const lines = await linesOf("step-fails-all-retries");

    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ event: "orchestrator-failed", orchestrator: "replayed", error: expect.any(String) }),
    ]);
  });

  it("is nothing where nothing fails", async () => {
    expect(await linesOf("copy-levels")).toEqual([]);
  });

  it.each(versions)("is what is wrong with an input that %s cannot read", async (folder, handler) => {
    const [generation] = readRecordings(folder)[0]?.generations ?? [];
    const { payload, episodes } = generation ?? expect.fail(`no recording of ${folder}`);
    const lines: string[] = [];
    const isStart = ({ EventType }: { readonly EventType: number }) => EventType === 0;
    const history = payload.history
      .slice(0, episodes[0]?.events)
      .map((event) => (isStart(event) ? { ...event, Input: "{}" } : event));

    const state = await replay(handler, { ...payload, history, input: {} }, (line) => lines.push(line));

    expect(state.output).toMatchObject({ kind: "failed", error: { code: "INTERNAL" } });
    expect(lines).toEqual([expect.stringContaining("attempt")]);
  });
});

/** By scenario: what it does, in order; `[n]`: the round. */
const stories: Readonly<Record<string, readonly string[]>> = {
  skip: ["resolveImport", "finishImport(skipped)"],
  single: ["resolveImport", "copyAndFinish"],
  "single-waits": [
    ...["resolveImport", "copyAndFinish", "timer | cancel", "copyAndFinish[1]", "timer | cancel"],
    "copyAndFinish[2]",
  ],
  "copy-levels": [
    ...["resolveImport", "3 × copyBlobs", "publishManifests", "publishManifests"],
    "finishImport(published)",
  ],
  "nothing-missing": ["resolveImport", "publishManifests", "finishImport(published)"],
  "large-blob": ["resolveImport", "2 × copyBlobs + 2 × copyLargeBlob", "finishImport(published)"],
  sliced: ["resolveImport", "copyLargeBlob + 3 × importSlice", "finishImport(published)"],
  "wait-and-again": [
    ...["resolveImport", "timer | cancel", "resolveImport", "2 × copyBlobs", "timer | cancel"],
    ...["2 × copyBlobs[1]", "copyBlobs[2]", "finishImport(published)"],
  ],
  "gives-up-waiting": [
    ...["resolveImport", "2 × copyBlobs", "timer | cancel", "2 × copyBlobs[1]", "timer | cancel"],
    ...["2 × copyBlobs[2]", "finishImport(failed TARGET_UNAVAILABLE)"],
  ],
  "resolve-fails": ["resolveImport", "finishImport(failed TARGET_TAG_EXISTS)"],
  "unit-fails": ["resolveImport", "3 × copyBlobs + copyLargeBlob", "finishImport(failed SOURCE_NOT_FOUND)"],
  "tags-fail": ["resolveImport", "2 × copyBlobs", "finishImport(published)", "finishImport(failed TARGET_LOCKED)"],
  "cancelled-before-tags": ["resolveImport", "2 × copyBlobs", "finishImport(published)", "finishImport(cancelled)"],
  "cancelled-asleep": ["resolveImport", "2 × copyBlobs", "timer (cancelled) | cancel", "finishImport(cancelled)"],
  "full-while-resolving": [
    ...["resolveImport", "resolveImport", "continueAsNew", "resolveImport", "resolveImport", "continueAsNew"],
    ...["resolveImport", "copyAndFinish"],
  ],
  "full-while-copying": [
    ...["resolveImport", "2 × copyBlobs", "continueAsNew", "2 × copyBlobs[1]", "2 × copyBlobs[2]", "continueAsNew"],
    ...["2 × copyBlobs[3]", "2 × copyBlobs[4]", "continueAsNew", "publishManifests", "finishImport(published)"],
  ],
  "full-while-publishing": [
    ...["resolveImport", "2 × copyBlobs", "publishManifests", "continueAsNew", "publishManifests", "publishManifests"],
    "finishImport(published)",
  ],
  "slice-full": ["resolveImport", "2 × importSlice", "finishImport(published)"],
  "step-fails-all-retries": ["resolveImport", "2 × copyBlobs", "publishManifests", "finishImport(failed INTERNAL)"],
  delegated: [
    ...["resolveImport", "delegateImport", "timer | cancel", "delegateImport[1]", "timer | cancel"],
    ...["delegateImport[2]", "timer | cancel", "delegateImport[3]", "finishImport(delegated)"],
  ],
  "delegated-full": [
    ...["resolveImport", "delegateImport", "timer | cancel", "delegateImport[1]", "timer | cancel", "continueAsNew"],
    ...["delegateImport[2]", "timer | cancel", "delegateImport[3]", "timer | cancel", "delegateImport[4]"],
    "finishImport(delegated)",
  ],
  "delegated-cancelled-asleep": [
    ...["resolveImport", "delegateImport", "timer (cancelled) | cancel", "finishImport(cancelled)"],
  ],
  "delegated-cancelled-before-end": [
    ...["resolveImport", "delegateImport", "finishImport(delegated)", "finishImport(cancelled)"],
  ],
  "finish-fails-all-retries": ["resolveImport", "2 × copyBlobs", "finishImport(published)"],
  verified: [
    ...["resolveImport", "2 × copyBlobs", "3 × verifyBlobs", "verifyBlobs[1]", "publishManifests"],
    "finishImport(published)",
  ],
  "full-while-verifying": [
    ...["resolveImport", "2 × copyBlobs", "continueAsNew", "3 × verifyBlobs", "continueAsNew"],
    ...["2 × verifyBlobs", "finishImport(published)"],
  ],
  "repaired-when-verified": [
    ...["resolveImport", "2 × copyBlobs", "2 × verifyBlobs", "continueAsNew", "copyBlobs", "verifyBlobs"],
    "finishImport(published)",
  ],
  "repaired-when-published": [
    ...["resolveImport", "copyBlobs", "publishManifests", "publishManifests", "continueAsNew", "2 × copyBlobs"],
    ...["publishManifests", "publishManifests", "finishImport(published)"],
  ],
  "repaired-when-tagged": [
    ...["resolveImport", "2 × copyBlobs", "finishImport(published)", "continueAsNew", "copyBlobs"],
    "finishImport(published)",
  ],
  "single-repaired": ["resolveImport", "copyAndFinish", "continueAsNew", "copyBlobs", "finishImport(published)"],
  "many-repairs": [
    ...["resolveImport", "2 × copyBlobs", "finishImport(published)", "continueAsNew", "3 × copyBlobs"],
    ...["continueAsNew", "2 × copyBlobs", "finishImport(published)"],
  ],
  "repaired-in-vain": [
    ...["resolveImport", "2 × copyBlobs", "finishImport(published)", "continueAsNew", "copyBlobs"],
    ...["finishImport(published)", "finishImport(failed TARGET_CONTENT_MISSING)"],
  ],
};

const recordings = readRecordings("import-image.v1");
const courseOf = (input: unknown) => z.looseObject({ course: courseSchema }).parse(input).course;

describe("an import", () => {
  it.each(recordings)("goes its way: $name", (recording) => {
    expect(storyOf(recording)).toEqual(stories[recording.name]);
  });

  it("has a recording for every way", () => {
    expect(recordings.map(({ name }) => name).sort()).toEqual(Object.keys(stories).sort());
  });

  it.each(recordings)("never throws out of its orchestration: $name", ({ name, generations }) => {
    const last = generations.at(-1);

    const output = last && lastState(last).output;
    expect(output).toMatchObject({ kind: name === "finish-fails-all-retries" ? "failed" : "done" });
  });
});

const promotions: Readonly<Record<string, readonly string[]>> = {
  list: [...twice("advancePromotion", "timer | cancel"), "advancePromotion", "finishPromotion(done)"],
  selection: [
    ...["expandPromotion", "expandPromotion", "advancePromotion", "timer | cancel"],
    ...["advancePromotion", "finishPromotion(done)"],
  ],
  "selection-waits": [
    ...["expandPromotion", "timer | cancel", "expandPromotion", "advancePromotion"],
    "finishPromotion(done)",
  ],
  "selection-fails": ["expandPromotion", "finishPromotion(failed SOURCE_NOT_FOUND)"],
  "cancelled-while-expanding": ["expandPromotion", "advancePromotion", "finishPromotion(done)"],
  retried: [
    ...["resetPromotion", "resetPromotion", "advancePromotion", "timer | cancel"],
    ...["advancePromotion", "finishPromotion(done)"],
  ],
  "retried-selection": ["resetPromotion", "expandPromotion", "advancePromotion", "finishPromotion(done)"],
  "many-rounds": [
    ...["advancePromotion", "timer | cancel", "advancePromotion", "timer | cancel"],
    ...["advancePromotion", "timer | cancel", "continueAsNew"],
    ...["advancePromotion", "timer | cancel", "advancePromotion", "timer | cancel"],
    ...["advancePromotion", "timer | cancel", "continueAsNew"],
    ...["advancePromotion", "timer | cancel", "advancePromotion", "finishPromotion(done)"],
  ],
  "asks-for-an-early-look": [
    ...twice("advancePromotion", "timer | cancel"),
    ...["advancePromotion", "finishPromotion(done)"],
  ],
  "cancelled-asleep": [
    ...["advancePromotion", "timer (cancelled) | cancel", "advancePromotion", "finishPromotion(done)"],
  ],
  "deleted-meanwhile": ["advancePromotion"],
  "step-fails-all-retries": ["advancePromotion"],
};

function twice(...steps: readonly string[]): readonly string[] {
  return [...steps, ...steps];
}

describe("a promotion", () => {
  const recorded = readRecordings("promote.v1");

  it.each(recorded)("goes its way: $name", (recording) => {
    expect(storyOf(recording)).toEqual(promotions[recording.name]);
  });

  it("has a recording for every way", () => {
    expect(recorded.map(({ name }) => name).sort()).toEqual(Object.keys(promotions).sort());
  });
});

const all = versions.flatMap(([folder]) => readRecordings(folder).map((recording) => ({ folder, ...recording })));

describe("orchestrators", () => {
  it.each(all)("keep to the course that came with the input: $folder $name", ({ generations }) => {
    for (const { payload, ...rest } of generations) {
      const { maxActivities, retry } = courseOf(payload.input);
      const actions = actionsOf({ name: "", orchestrator: "", generations: [{ payload, ...rest }] });
      const called = actions.filter(({ retryOptions }) => retryOptions !== undefined);

      expect(called.length).toBeLessThanOrEqual(maxActivities + 2); // the end of an import is never put off
      for (const { retryOptions } of called) {
        expect(retryOptions).toEqual({
          firstRetryIntervalInMilliseconds: retry.firstMs,
          maxNumberOfAttempts: retry.attempts,
          backoffCoefficient: retry.backoff,
          maxRetryIntervalInMilliseconds: retry.maxMs,
        });
      }
    }
  });

  it.each(all)("call registered names only, activities always with a retry policy: $folder $name", (recording) => {
    const [withRetry, subOrchestrator] = [1, 2];
    for (const { actionType, functionName } of actionsOf(recording)) {
      if (functionName === undefined) continue;
      expect(callableNames).toContain(functionName);
      expect([withRetry, subOrchestrator]).toContain(actionType);
    }
  });

  it("give sub-orchestrations ids that a cancel can count through", () => {
    for (const recording of recordings) {
      const { instanceId } = recording.generations[0]?.payload ?? {};
      const children = actionsOf(recording).flatMap((action) => (action.actionType === 2 ? [action.instanceId] : []));

      expect(children).toEqual(children.map((_, n) => `${instanceId}-${n}`));
    }
  });
});

describe("what copies are told of calls before", () => {
  /** `[round, isRepeated]` of each copy, where all wait in the first round, and one has more to do after the second. */
  const toldBy = async (changes: { readonly tellsCuts?: true; readonly isCut?: true }): Promise<readonly unknown[]> => {
    const recording = readRecordings("import-image.v1").find(({ name }) => name === "wait-and-again");
    const generation = recording?.generations[0] ?? expect.fail("no such recording");
    const { payload, episodes } = generation;
    const { isCut, ...told } = changes;
    const input = { ...payload.input, course: { ...z.looseObject({}).parse(payload.input.course), ...told } };
    const wait = isCut ? '"kind":"wait","isCut":true' : '"kind":"wait"';
    const history = payload.history.map((event) => {
      if (event.EventType === 0) return { ...event, Input: JSON.stringify(input) };
      return event.EventType === 5 ? { ...event, Result: String(event.Result).replace('"kind":"wait"', wait) } : event;
    });
    const edited = { ...generation, payload: { ...payload, input, history } };
    const state = await replay(importImage, payloadAt(edited, episodes.length - 1));
    return state.actions[0]
      .flatMap((action) => [action, ...(action.compoundActions ?? [])])
      .filter(({ functionName }) => functionName === "copyBlobs")
      .map(({ input: copy }) => z.looseObject({ round: z.int(), isRepeated: z.boolean().optional() }).parse(copy))
      .map(({ round, isRepeated }) => [round, isRepeated]);
  };

  it("is nothing where they only waited, and that they were cut off after `more`", async () => {
    const waited = [1, false];
    expect(await toldBy({ tellsCuts: true })).toEqual([[0, false], [0, false], waited, waited, [2, true]]);
  });

  it("is that they were cut off where a wait says so, and stays that", async () => {
    const cut = [1, true];
    expect(await toldBy({ tellsCuts: true, isCut: true })).toEqual([[0, false], [0, false], cut, cut, [2, true]]);
  });

  it("is nothing in an orchestration that a former version has begun", async () => {
    const rounds = [0, 0, 1, 1, 2];
    expect(await toldBy({ isCut: true })).toEqual(rounds.map((round) => [round, undefined]));
  });
});
