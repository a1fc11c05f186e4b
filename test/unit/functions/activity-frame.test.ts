import { describe, expect, it } from "vitest";
import type { ImportRecord } from "../../../src/domain/import-record.ts";
import { type ErrorCode, ImportError } from "../../../src/errors.ts";
import {
  type Activity,
  type ActivityContext,
  createActivityHandler,
} from "../../../src/functions/activities/activity-frame.ts";
import { createCancellationWatch } from "../../../src/functions/cancellation-watch.ts";
import { type StepInput, type StepOutcome, stepInputSchema } from "../../../src/functions/steps.ts";
import { createStopImport } from "../../../src/functions/stop-import.ts";
import { aRecord } from "../../helpers/import-records.ts";
import { createMemoryImports, createMemoryLog, createMemoryOpen } from "./memory-stores.ts";

const now = new Date("2026-03-01T12:00:00.000Z");
const running = aRecord({ state: "Copying" });
const input = { v: 1, importId: running.id, attempt: 1 };
const stoppedAt = "2026-03-01T11:59:59.000Z";

type Work = (context: ActivityContext) => Promise<StepOutcome>;

/** The frame around `work`, for an import whose record is `record`. */
function frameOf(
  work: Work,
  { record = running, role = "worker", isTimed = false, stopping = never }: Partial<FrameOptions> = {},
) {
  const stores = createMemoryImports(...(record === "deleted" ? [] : [record]));
  const { open } = createMemoryOpen({ id: running.id, attempt: 1, createdAt: now.toISOString(), isStopped: false });
  const book = createMemoryLog();
  const cancellation = createCancellationWatch({ readStopped: open.readStopped, pollMs: 60_000, log: book.log });
  const activity: Activity<StepInput, StepOutcome> = {
    ...{ name: "copyBlobs", input: stepInputSchema, role },
    isTimed: () => isTimed,
    work: (_input, context) => work(context),
  };
  const stop = createStopImport({ imports: stores.imports, open, cancellation });
  const signs: string[] = [];
  const life = {
    begun: async () => void signs.push("begun"),
    paused: async () => void signs.push("paused"),
  };
  const deps = { imports: stores.imports, stop, cancellation, life, budgetMs: 240_000, log: book.log };
  const clocks = { now: () => now, elapsedMs: () => 5_000 };
  return {
    ...stores,
    ...book,
    cancellation,
    signs,
    stoppedIds: open.readStopped,
    handle: createActivityHandler({ ...deps, ...clocks, stopping }, activity),
  };
}

interface FrameOptions {
  readonly record: ImportRecord | "deleted";
  readonly role: "worker" | "finisher";
  readonly isTimed: boolean;
  /** Aborted when the process is about to end. */
  readonly stopping: AbortSignal;
}

const never = new AbortController().signal;

const done: Work = async () => ({ kind: "done" });
const fails = (code: ErrorCode, more: Partial<ConstructorParameters<typeof ImportError>[0]> = {}): Work => {
  return () => Promise.reject(new ImportError({ code, what: "something happened", ...more }));
};
/** Goes on until it is told to stop, then throws what the library below makes of that. */
const untilAborted =
  (thrown?: Error): Work =>
  ({ signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(thrown ?? signal.reason)));

describe("an activity", () => {
  it.each<readonly [string, Work]>([
    ["is told", async () => ({ kind: "wait", retryAfterSeconds: 5 })],
    ["fails", fails("TARGET_UNAVAILABLE", { retryable: true })],
  ])("says of a wait whether content was cut off, where it %s", async (_, work) => {
    const cut = frameOf(async (context) => {
      context.onCut();
      return await work(context);
    });

    expect(await frameOf(work).handle(input)).not.toHaveProperty("isCut");
    expect(await cut.handle(input)).toMatchObject({ kind: "wait", isCut: true });
  });

  it("gets the record with its ETag and a budget that begins now, by the clock that nobody sets back", async () => {
    let seen: ActivityContext | undefined;
    const { handle } = frameOf(async (context) => {
      seen = context;
      return { kind: "done" };
    });

    expect(await handle(input)).toEqual({ kind: "done" });
    expect(seen).toMatchObject({ row: { record: running, etag: "1" }, budget: { endsAt: 5_000 + 240_000 } });
  });

  it("leaves its work to another process when its own is about to end", async () => {
    const options = { stopping: AbortSignal.abort(new Error("the process is about to stop")) };

    expect(await frameOf(done, options).handle(input)).toEqual({ kind: "wait", retryAfterSeconds: 2 });
    expect(await frameOf(done, { ...options, role: "finisher" }).handle(input)).toEqual({ kind: "done" });
  });

  it("refuses an input of another shape", async () => {
    await expect(frameOf(done).handle({ ...input, attempt: "first" })).rejects.toThrow(/attempt/);
  });

  it.each<[string, ImportRecord | "deleted"]>([
    ["was deleted", "deleted"],
    ["has begun another attempt", { ...running, attempt: 2 }],
    ["has ended", { ...running, state: "Failed" }],
    ["was cancelled", { ...running, cancelRequestedAt: stoppedAt }],
    ["has failed elsewhere", { ...running, stopRequestedAt: stoppedAt }],
  ])("does nothing for an import that %s", async (_, record) => {
    const { handle } = frameOf(() => Promise.reject(new Error("it has begun")), { record });

    expect(await handle(input)).toEqual({ kind: "cancelled" });
  });

  it("that writes tags does not begin when the import's time is over", async () => {
    const record: ImportRecord = { ...running, deadlineAt: stoppedAt };
    const { handle } = frameOf(done, { record, role: "finisher", isTimed: true });

    expect(await handle(input)).toMatchObject({ kind: "failed", error: { code: "DEADLINE_EXCEEDED" } });
  });

  it("that finishes the import runs although it was stopped or is late, for it writes that end", async () => {
    const record = { ...running, stopRequestedAt: stoppedAt, deadlineAt: "2026-03-01T11:00:00.000Z" };

    expect(await frameOf(done, { record, role: "finisher" }).handle(input)).toEqual({ kind: "done" });
  });

  it.each([undefined, new TypeError("terminated")])("is cancelled in the middle, thrown: %s", async (thrown) => {
    const begun = Promise.withResolvers<void>();
    const { handle, cancellation } = frameOf((context) => {
      begun.resolve();
      return untilAborted(thrown)(context);
    });
    const outcome = handle(input);
    await begun.promise;

    cancellation.notify(running.id);

    expect(await outcome).toEqual({ kind: "cancelled" });
  });

  it("fails the import when its deadline passes, and stops the others", async () => {
    const record = { ...running, deadlineAt: new Date(now.getTime() + 5).toISOString() };
    const frame = frameOf(untilAborted(), { record });

    const outcome = await frame.handle(input);

    expect(outcome).toMatchObject({ kind: "failed", error: { code: "DEADLINE_EXCEEDED" } });
    expect(frame.record(running.id)).toMatchObject({ error: { code: "DEADLINE_EXCEEDED" } });
    expect(await frame.stoppedIds()).toEqual([running.id]);
  });

  it("does not begin after the deadline", async () => {
    const record = { ...running, deadlineAt: "2026-03-01T11:59:59.999Z" };

    expect(await frameOf(done, { record }).handle(input)).toMatchObject({
      kind: "failed",
      error: { code: "DEADLINE_EXCEEDED", message: expect.stringContaining("86400 s") },
    });
  });

  it("fails for good with what cannot be cured, and stores it before anyone is told", async () => {
    const frame = frameOf(fails("TARGET_LOCKED", { side: "target", registry: "t.example" }));

    const outcome = await frame.handle(input);

    expect(outcome).toMatchObject({ kind: "failed", error: { code: "TARGET_LOCKED", registry: "t.example" } });
    expect(frame.record(running.id)).toMatchObject({
      stopRequestedAt: now.toISOString(),
      error: { code: "TARGET_LOCKED" },
    });
    expect(await frame.stoppedIds()).toEqual([running.id]);
    expect(frame.events()).toEqual(["activity-failed"]);
  });

  it("keeps the first failure of several", async () => {
    const frame = frameOf(async () => {
      const first = { code: "SOURCE_NOT_FOUND", message: "gone", retryable: false } as const;
      frame.write({ ...running, stopRequestedAt: stoppedAt, error: first });
      throw new ImportError({ code: "TARGET_LOCKED", what: "later" });
    });

    await frame.handle(input);

    expect(frame.record(running.id)).toMatchObject({ error: { code: "SOURCE_NOT_FOUND" } });
  });

  it("of a former attempt does not stop the present one when it fails", async () => {
    const frame = frameOf(async () => {
      frame.write({ ...running, attempt: 2, state: "Accepted" });
      throw new ImportError({ code: "TARGET_LOCKED", what: "too late to matter" });
    });

    expect(await frame.handle(input)).toEqual({ kind: "cancelled" });
    expect(frame.record(running.id)?.stopRequestedAt).toBeUndefined();
    expect(await frame.stoppedIds()).toEqual([]);
  });

  it("that finishes the import leaves it to the orchestration what a failure means", async () => {
    const frame = frameOf(fails("TARGET_TAG_EXISTS"), { role: "finisher" });

    expect(await frame.handle(input)).toMatchObject({ kind: "failed", error: { code: "TARGET_TAG_EXISTS" } });
    expect(frame.writes()).toBe(0);
  });

  it.each<StepOutcome>([{ kind: "wait", retryAfterSeconds: 15 }, { kind: "more" }])(
    "leaves a sign of life when it is to be called again and nothing else tells of it: $kind",
    async (outcome) => {
      const { handle, signs } = frameOf(async () => outcome);

      await handle(input);

      expect(signs).toEqual(["begun", "paused"]);
    },
  );

  it.each(["worker", "finisher"] as const)("lets the record say what it waits for: %s", async (role) => {
    const refused = fails("TARGET_RATE_LIMITED", { retryable: true, retryAfterSeconds: 90 });
    const frame = frameOf(refused, { role, isTimed: true });

    await frame.handle(input);

    expect(frame.record(running.id)).toMatchObject({
      waiting: { code: "TARGET_RATE_LIMITED", until: new Date(now.getTime() + 90_000).toISOString() },
    });
    expect(frame.signs).toEqual(["begun"]);
  });

  it("asks to wait as long as the registry does, 10 s where it says nothing or less", async () => {
    const said = fails("TARGET_RATE_LIMITED", { retryable: true, retryAfterSeconds: 90 });
    const unsaid = fails("TARGET_UNAVAILABLE", { retryable: true });
    const nothing = fails("TARGET_RATE_LIMITED", { retryable: true, retryAfterSeconds: 0 });

    expect(await frameOf(said).handle(input)).toMatchObject({ kind: "wait", retryAfterSeconds: 90 });
    expect(await frameOf(nothing).handle(input)).toMatchObject({ kind: "wait", retryAfterSeconds: 10 });
    expect(await frameOf(unsaid).handle(input)).toMatchObject({
      kind: "wait",
      retryAfterSeconds: 10,
      error: { code: "TARGET_UNAVAILABLE" },
    });
  });

  it("lets the record say what it waits for", async () => {
    const { handle, record } = frameOf(fails("TARGET_RATE_LIMITED", { retryable: true, retryAfterSeconds: 30 }));

    await handle(input);

    expect(record(running.id)?.waiting).toMatchObject({
      until: new Date(now.getTime() + 30_000).toISOString(),
      code: "TARGET_RATE_LIMITED",
    });
  });

  it("never asks to wait beyond the deadline", async () => {
    const record = { ...running, deadlineAt: new Date(now.getTime() + 30_000).toISOString() };
    const thrown = fails("TARGET_RATE_LIMITED", { retryable: true, retryAfterSeconds: 3_600 });
    const returned: Work = async () => ({ kind: "wait", retryAfterSeconds: 3_600 });

    expect(await frameOf(thrown, { record }).handle(input)).toMatchObject({ kind: "wait", retryAfterSeconds: 30 });
    expect(await frameOf(returned, { record }).handle(input)).toMatchObject({ kind: "wait", retryAfterSeconds: 30 });
  });

  it("is cancelled when somebody has cancelled between its reading and its writing", async () => {
    expect(await frameOf(fails("CANCELLED")).handle(input)).toEqual({ kind: "cancelled" });
  });

  it.each([
    ["storage that is wrong for good", fails("STORAGE_UNAVAILABLE"), /something happened/],
    ["a bug", () => Promise.reject(new TypeError("x is undefined")), /x is undefined/],
    ["what is no error", () => Promise.reject("just text"), /just text/],
  ])("throws %s, to be tried again", async (_, work, message) => {
    const frame = frameOf(work);

    await expect(frame.handle(input)).rejects.toThrow(message);
    expect(frame.events()).toEqual(["activity-threw"]);
    expect(frame.writes()).toBe(0);
  });

  it("waits for storage that is away, so that a passing outage ends no import", async () => {
    const frame = frameOf(fails("STORAGE_UNAVAILABLE", { retryable: true }));

    expect(await frame.handle(input)).toMatchObject({ kind: "wait", error: { code: "STORAGE_UNAVAILABLE" } });
    expect(frame.writes()).toBe(0);
  });

  it("never throws or logs a secret", async () => {
    const frame = frameOf(() =>
      Promise.reject(new Error("GET https://u:p@blob.example/x?sig=abc failed, password=hunter2")),
    );

    const thrown: unknown = await frame.handle(input).catch((error: unknown) => error);

    for (const text of [String(thrown), JSON.stringify(frame.lines)]) {
      expect(text).toContain("blob.example");
      expect(text).not.toMatch(/sig=|hunter2|u:p@/);
    }
  });
});
