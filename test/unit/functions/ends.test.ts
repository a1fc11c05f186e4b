import { HttpRequest } from "@azure/functions";
import { describe, expect, it } from "vitest";
import type { ImportRecord } from "../../../src/domain/import-record.ts";
import { formatImport } from "../../../src/domain/import-view.ts";
import { createCancellationWatch } from "../../../src/functions/cancellation-watch.ts";
import type { DurablePort, InstanceState } from "../../../src/functions/durable-port.ts";
import { type AfterEnd, createEndImport } from "../../../src/functions/end-import.ts";
import { createEndedImports } from "../../../src/functions/ended-imports.ts";
import { createStopImport } from "../../../src/functions/stop-import.ts";
import { createCancelImport } from "../../../src/functions/triggers/cancel-import.ts";
import { createSweepImports } from "../../../src/functions/triggers/sweep-imports.ts";
import { anImportId, aRecord } from "../../helpers/import-records.ts";
import { createMemoryImports, createMemoryLog, createMemoryOpen, createMemorySecrets } from "./memory-stores.ts";

const now = new Date("2026-03-01T12:00:00.000Z");
const id = anImportId();
const first = { importId: id, attempt: 1 };
const error = { code: "TARGET_LOCKED", message: "locked", retryable: false } as const;

interface World {
  /** Undefined: there is none. */
  readonly record?: ImportRecord | undefined;
  /** How long the import has been open. */
  readonly ageSeconds?: number;
  /** `unknown`: nobody answers. */
  readonly instance?: InstanceState | "unknown";
  readonly children?: number;
  /** What a retry writes while the orchestration is asked for. */
  readonly meanwhile?: ImportRecord;
  /** Attempt that the open row is of. */
  readonly openAttempt?: number;
}

/** One open import with credentials, and everything that may end it. */
function createWorld(world: World) {
  const { record, ageSeconds = 120, instance = "missing", children = 0, openAttempt = 1, meanwhile } = world;
  const stores = createMemoryImports(...(record === undefined ? [] : [record]));
  const createdAt = new Date(now.getTime() - ageSeconds * 1_000).toISOString();
  const { open, ids: openIds } = createMemoryOpen({ id, attempt: openAttempt, createdAt, isStopped: false });
  const { secrets, ids: secretIds } = createMemorySecrets(id);
  const { log, events } = createMemoryLog();
  const { imports } = stores;
  const endedImports = createEndedImports();
  const told: string[] = [];
  let isDeaf = false;
  const afterEnd: AfterEnd = async ({ state }) => {
    if (isDeaf) throw new Error("nobody listens");
    told.push(state);
  };
  const counted: string[] = [];
  const count = ({ state, attempt }: ImportRecord) => void counted.push(`${attempt} ${state}`);
  const endImport = createEndImport({ imports, open, secrets, endedImports, afterEnd, count, log, now: () => now });
  const started: string[] = [];
  const forgottenParts: string[] = [];
  const raised: string[] = [];
  const durable: DurablePort = {
    start: async () => {},
    state: async () => {
      if (meanwhile !== undefined) stores.write(meanwhile);
      if (instance === "unknown") throw new Error("the durable extension does not answer");
      return instance;
    },
    raise: async (instanceId) => {
      const isThere = instanceId === `${id}-1` || Number(instanceId.split("-")[2]) < children;
      if (isThere) raised.push(instanceId);
      return isThere;
    },
  };
  const sweep = createSweepImports({
    ...{ imports, open, secrets, endImport, afterEnd, log, now: () => now },
    parts: { deleteAll: async (importId) => void forgottenParts.push(importId) },
    startImport: {
      start: async ({ importId, attempt }) => {
        started.push(`${importId}-${attempt}`);
      },
    },
  });
  const cancellation = createCancellationWatch({ readStopped: open.readStopped, pollMs: 60_000, log });
  const cancel = createCancelImport({
    stop: createStopImport({ imports, open, cancellation }),
    endCancelled: (attempt) => endImport(attempt, { state: "Cancelled" }),
    view: async (current) => formatImport(current, undefined, "http://drayage.test"),
    now: () => now,
  });
  const cancelRequest = new HttpRequest({ method: "POST", url: `http://drayage.test/x`, params: { id } });
  return {
    ...{
      endImport,
      endedImports,
      told,
      counted,
      write: stores.write,
      openIds,
      secretIds,
      forgottenParts,
      started,
      raised,
      events,
      cancellation,
    },
    hear: (isHeard: boolean) => {
      isDeaf = !isHeard;
    },
    sweep: () => sweep(durable),
    cancel: () => cancel(cancelRequest, durable),
    stopped: open.readStopped,
    record: () => stores.record(id),
  };
}

const withState = (state: ImportRecord["state"], changes: Partial<ImportRecord> = {}): ImportRecord => ({
  ...aRecord({ id, hasCredentials: true }),
  state,
  ...changes,
});

describe("the end of an import", () => {
  it("is written, then credentials and the open row go, and those who wait are told", async () => {
    const world = createWorld({ record: withState("Publishing") });
    const told = world.endedImports.next(id, AbortSignal.timeout(10_000));

    const end = await world.endImport(first, { state: "Succeeded" });

    expect(end).toMatchObject({ record: { state: "Succeeded", finishedAt: now.toISOString() }, isOwn: true });
    expect(world.record()).toEqual(end?.record);
    expect([world.openIds(), world.secretIds()]).toEqual([[], []]);
    await told;
  });

  it("may be written twice, and cleans up again", async () => {
    const finishedAt = "2026-03-01T11:00:00.000Z";
    const world = createWorld({ record: withState("Failed", { error, finishedAt }) });

    const end = await world.endImport(first, { state: "Failed", error: { ...error, code: "INTERNAL" } });

    expect(end).toMatchObject({ record: { error: { code: "TARGET_LOCKED" }, finishedAt }, isOwn: false });
    expect([world.openIds(), world.secretIds()]).toEqual([[], []]);
  });

  it("is logged and counted once, however often it is written", async () => {
    const world = createWorld({ record: withState("Publishing") });

    await world.endImport(first, { state: "Succeeded" });
    await world.endImport(first, { state: "Succeeded" });

    expect(world.counted).toEqual(["1 Succeeded"]);
    expect(world.events()).toEqual(["import-ended"]);
  });

  it("is logged and counted for each attempt, and by nobody whose attempt is over", async () => {
    const world = createWorld({ record: withState("Publishing") });

    await world.endImport(first, { state: "Succeeded" });
    world.write(withState("Publishing", { attempt: 2 }));
    await world.endImport(first, { state: "Succeeded" });
    await world.endImport({ ...first, attempt: 2 }, { state: "Failed", error });

    expect(world.counted).toEqual(["1 Succeeded", "2 Failed"]);
  });

  it("leaves the open row of an attempt that has begun meanwhile", async () => {
    const world = createWorld({ record: withState("Failed", { error }), openAttempt: 2 });

    await world.endImport(first, { state: "Failed", error });

    expect(world.openIds()).toEqual([id]);
  });

  it("is never replaced by another one", async () => {
    const world = createWorld({ record: withState("Succeeded") });

    await expect(world.endImport(first, { state: "Cancelled" })).rejects.toMatchObject({
      code: "IMPORT_STATE_CONFLICT",
    });
    expect(world.secretIds()).toEqual([id]);
  });

  it("is nothing for an import that was deleted", async () => {
    expect(await createWorld({}).endImport(first, { state: "Cancelled" })).toBeUndefined();
  });
});

describe("the sweep", () => {
  it("leaves alone what was accepted less than a minute ago", async () => {
    const world = createWorld({ record: withState("Accepted"), ageSeconds: 59 });

    await world.sweep();

    expect(world.started).toEqual([]);
  });

  it("starts an accepted import that nobody has started", async () => {
    const world = createWorld({ record: withState("Accepted"), ageSeconds: 60 });

    await world.sweep();

    expect(world.started).toEqual([`${id}-1`]);
    expect(world.secretIds()).toEqual([id]);
  });

  it.each<ImportRecord["state"]>(["Accepted", "Copying"])("leaves alone what runs: %s", async (state) => {
    const world = createWorld({ record: withState(state), instance: "running", ageSeconds: 100_000 });

    await world.sweep();

    expect(world.started).toEqual([]);
    expect(world.record()?.state).toBe(state);
  });

  it.each<[string, ImportRecord]>([
    ["Resolving", withState("Resolving")],
    ["Copying", withState("Copying")],
    ["Publishing", withState("Publishing")],
  ])("fails an import whose orchestration is gone: %s", async (_, record) => {
    const world = createWorld({ record, instance: "ended" });

    await world.sweep();

    expect(world.record()).toMatchObject({ state: "Failed", error: { code: "INTERNAL", retryable: true } });
    expect([world.openIds(), world.secretIds()]).toEqual([[], []]);
  });

  it("fails an import whose orchestration came to nothing, instead of starting it for ever", async () => {
    const world = createWorld({ record: withState("Accepted"), instance: "ended" });

    await world.sweep();

    expect(world.started).toEqual([]);
    expect(world.record()).toMatchObject({ state: "Failed", error: { code: "INTERNAL" } });
  });

  it("leaves a retry alone that began while it looked", async () => {
    const retry = withState("Resolving", { attempt: 2 });
    const world = createWorld({ record: withState("Copying"), instance: "ended", meanwhile: retry, openAttempt: 2 });

    await world.sweep();

    expect(world.record()).toEqual(retry);
    expect([world.openIds(), world.secretIds()]).toEqual([[id], [id]]);
  });

  it.each<[string, ImportRecord]>([
    ["failed", withState("Failed", { error })],
    ["succeeded", withState("Succeeded")],
  ])("says nothing of an end that the import wrote itself while it looked: it %s", async (_how, itself) => {
    const world = createWorld({ record: withState("Copying"), instance: "ended", meanwhile: itself });

    await world.sweep();

    expect(world.record()).toEqual(itself);
    expect(world.events()).toEqual([]);
  });

  it("says that it has ended an import once it has", async () => {
    const world = createWorld({ record: withState("Copying"), instance: "ended" });

    await world.sweep();

    expect(world.events()).toEqual(["import-ended", "sweep-ended"]);
  });

  it.each<NonNullable<World["instance"]>>(["running", "missing", "unknown"])(
    "fails an import that never began within its time, whatever its orchestration is: %s",
    async (instance) => {
      const record = withState("Accepted", { deadlineAt: "2026-03-01T11:59:59.000Z" });
      const world = createWorld({ record, instance, ageSeconds: 100_000 });

      await world.sweep();

      expect(world.record()).toMatchObject({
        state: "Failed",
        error: { code: "DEADLINE_EXCEEDED", retryable: true, message: expect.stringContaining("did not begin") },
      });
      expect([world.started, world.openIds(), world.secretIds()]).toEqual([[], [], []]);
    },
  );

  it("ends as cancelled what never began and was to be cancelled, when its time is over", async () => {
    const late = { deadlineAt: "2026-03-01T11:00:00.000Z", cancelRequestedAt: "2026-03-01T10:00:00.000Z" };
    const world = createWorld({ record: withState("Accepted", late), instance: "running", ageSeconds: 100_000 });

    await world.sweep();

    expect(world.record()).toMatchObject({ state: "Cancelled" });
  });

  it("leaves the end of an import that has begun to its steps, also when its time is over", async () => {
    const record = withState("Copying", { deadlineAt: "2026-03-01T11:00:00.000Z" });
    const world = createWorld({ record, instance: "running", ageSeconds: 100_000 });

    await world.sweep();

    expect(world.record()).toEqual(record);
  });

  it("ends as cancelled what was to be cancelled when its orchestration went", async () => {
    const record = withState("Copying", { cancelRequestedAt: "2026-03-01T11:59:00.000Z" });
    const world = createWorld({ record, instance: "missing" });

    await world.sweep();

    expect(world.record()).toMatchObject({ state: "Cancelled" });
  });

  it("cleans up behind an end that was written just before a crash", async () => {
    const world = createWorld({ record: withState("Succeeded") });

    await world.sweep();

    expect([world.openIds(), world.secretIds()]).toEqual([[], []]);
    expect(world.record()?.state).toBe("Succeeded");
  });

  it.each([
    [599, [id]],
    [600, []],
  ])("forgets a request that never became a record, after 10 minutes: at %i s", async (ageSeconds, left) => {
    const world = createWorld({ ageSeconds });

    await world.sweep();

    expect([world.openIds(), world.secretIds()]).toEqual([left, left]);
  });

  it("deletes the parts, too, that a deletion has left behind", async () => {
    const world = createWorld({ ageSeconds: 600 });

    await world.sweep();

    expect(world.forgottenParts).toEqual([id]);
  });

  it("goes on after one that it cannot sweep", async () => {
    const [first, second] = [anImportId(), anImportId()];
    const createdAt = "2026-03-01T10:00:00.000Z";
    const rows = [first, second].map((openId) => ({ id: openId, attempt: 1, createdAt, isStopped: false }));
    const { open, ids } = createMemoryOpen(...rows);
    const { log, events } = createMemoryLog();
    const parts = { deleteAll: async () => {} };
    const deps = { open, parts, log, now: () => now, secrets: createMemorySecrets().secrets };
    const sweep = createSweepImports({
      ...deps,
      imports: {
        read: (importId) => (importId === first ? Promise.reject(new Error("x")) : Promise.resolve(undefined)),
      },
      startImport: { start: async () => {} },
      endImport: async () => undefined,
      afterEnd: async () => undefined,
    });

    await sweep({ start: async () => {}, state: async () => "missing", raise: async () => false });

    expect(ids()).toEqual([first]);
    expect(events()).toEqual(["sweep-failed"]);
  });
});

describe("telling others of an end", () => {
  it("comes after the record says so, and a sweep repeats what failed", async () => {
    const world = createWorld({ record: withState("Publishing") });
    world.hear(false);
    await world.endImport(first, { state: "Succeeded" });
    expect([world.told, world.record()?.state, world.openIds()]).toEqual([[], "Succeeded", [id]]);
    expect(world.events()).toContain("after-end-failed");

    world.hear(true);
    await world.sweep();

    expect([world.told, world.openIds()]).toEqual([["Succeeded"], []]);
  });
});

describe("cancelling", () => {
  it("marks the record, stops this process's activities and wakes the orchestration with all its children", async () => {
    const world = createWorld({ record: withState("Copying"), instance: "running", children: 3 });
    using running = world.cancellation.watch(id);

    const answer = await world.cancel();

    expect(answer.status).toBe(202);
    expect(world.record()).toMatchObject({ state: "Copying", cancelRequestedAt: now.toISOString() });
    expect(await world.stopped()).toEqual([id]);
    expect(running.signal.aborted).toBe(true);
    expect(world.raised).toEqual([`${id}-1`, `${id}-1-0`, `${id}-1-1`, `${id}-1-2`]);
  });

  it.each<InstanceState>(["missing", "ended"])(
    "ends the import itself when its orchestration is %s",
    async (instance) => {
      const world = createWorld({ record: withState("Accepted"), instance });

      const answer = await world.cancel();

      expect(answer.status).toBe(200);
      expect(world.record()).toMatchObject({ state: "Cancelled" });
      expect([world.openIds(), world.secretIds()]).toEqual([[], []]);
    },
  );

  it("leaves a retry alone that began meanwhile", async () => {
    const retry = withState("Accepted", { attempt: 2 });
    const world = createWorld({ record: withState("Copying"), instance: "ended", meanwhile: retry, openAttempt: 2 });

    await world.cancel();

    expect(world.record()).toEqual(retry);
    expect(world.openIds()).toEqual([id]);
  });

  it("of a cancelled import changes nothing", async () => {
    const world = createWorld({ record: withState("Cancelled") });

    expect((await world.cancel()).status).toBe(200);
    expect(world.raised).toEqual([]);
  });

  it.each<ImportRecord["state"]>(["Publishing", "Succeeded", "Failed"])("is refused when it is %s", async (state) => {
    const world = createWorld({ record: withState(state), instance: "running" });

    await expect(world.cancel()).rejects.toMatchObject({ code: "IMPORT_STATE_CONFLICT" });
    expect(world.raised).toEqual([]);
  });

  it("says when there is no such import", async () => {
    await expect(createWorld({}).cancel()).rejects.toMatchObject({ code: "IMPORT_NOT_FOUND" });
  });
});
