import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ImportRecord } from "../../../../src/domain/import-record.ts";
import { createActivityHandler } from "../../../../src/functions/activities/activity-frame.ts";
import { createVerifyPlannedUnit } from "../../../../src/functions/activities/verify-planned-unit.ts";
import { createBeginAgain } from "../../../../src/functions/begin-again.ts";
import { createEndImport } from "../../../../src/functions/end-import.ts";
import { createEndedImports } from "../../../../src/functions/ended-imports.ts";
import { createReplaceStuck } from "../../../../src/functions/housekeeping/replace-stuck.ts";
import { createSignsOfLife } from "../../../../src/functions/signs-of-life.ts";
import { createStartImport } from "../../../../src/functions/start-import.ts";
import { type StepInput, type StepOutcome, stepInputSchema } from "../../../../src/functions/steps.ts";
import { createHeartbeat } from "../../../../src/store/heartbeat.ts";
import { createImports } from "../../../../src/store/imports.ts";
import { createOpen } from "../../../../src/store/open.ts";
import { createParts } from "../../../../src/store/parts.ts";
import { createSealer, randomSealingKey } from "../../../../src/store/sealing.ts";
import { createSecrets } from "../../../../src/store/secrets.ts";
import type { VerifyContext } from "../../../../src/transfer/verify-unit.ts";
import { type Azurite, openTables, startAzurite } from "../../../helpers/azurite.ts";
import { aDigest, anImportId, aRecord, type RecordChanges } from "../../../helpers/import-records.ts";
import { createMemoryLog } from "../memory-stores.ts";

const minuteMs = 60_000;
const course = {
  retry: { firstMs: 1, attempts: 1, backoff: 1, maxMs: 1 },
  ...{ maxActivities: 300, maxWaitSeconds: 1, maxUnreachableRounds: 1 },
};

const never = new AbortController().signal;

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite[Symbol.asyncDispose]());

/** An import that has been open for an hour, with credentials of its own and one sub-orchestration. */
async function startWorld(changes: RecordChanges, children: readonly number[] = [0]) {
  const access = openTables(azurite);
  const imports = createImports(access);
  const open = createOpen(access);
  const parts = createParts(access);
  const secrets = createSecrets(access, createSealer([randomSealingKey()]));
  const heartbeat = createHeartbeat(access);
  const { log, lines, events } = createMemoryLog();
  let now = new Date("2026-03-01T13:00:00.000Z");
  const clock = () => now;
  const started: string[] = [];
  const terminated: string[] = [];
  const startImport = createStartImport({ imports, open, secrets, course, now: clock });
  const record = aRecord({ id: anImportId(), state: "Copying", hasCredentials: true, ...changes });
  await secrets.insert({ importId: record.id, name: "source" }, { username: "u", password: "p" });
  await open.insert({ id: record.id, attempt: record.attempt, createdAt: record.createdAt });
  await imports.insert(record);
  const look = createReplaceStuck({
    ...{ imports, open, parts, heartbeat, stuckMinutes: 60, log, now: clock },
    beginAgain: createBeginAgain({ imports, open, parts, secrets, startImport }),
    endImport: createEndImport({
      ...{
        imports,
        open,
        secrets,
        endedImports: createEndedImports(),
        afterEnd: async () => {},
        count: () => {},
        log,
        now: clock,
      },
    }),
  });
  const life = createSignsOfLife({ heartbeat, open, log, now: clock });
  const pass = (minutes: number) => {
    now = new Date(now.getTime() + minutes * minuteMs);
  };
  /** A step of the import that does this. */
  const step = (work: () => Promise<StepOutcome>) =>
    createActivityHandler<StepInput, StepOutcome>(
      {
        ...{
          imports,
          life,
          log,
          now: clock,
          elapsedMs: () => now.getTime(),
          budgetMs: 240_000,
          stopping: never,
          stop: async () => undefined,
        },
        cancellation: { watch: () => ({ signal: never, [Symbol.dispose]: () => {} }) },
      },
      { name: "copyBlobs", input: stepInputSchema, role: "worker", work },
    )({ v: 1, importId: record.id, attempt: record.attempt });
  const lookAfter = async (minutes: number) => {
    pass(minutes);
    await look({
      start: async (_name, instanceId) => {
        started.push(instanceId);
      },
      raise: async () => true,
      state: async (instanceId) =>
        children.map((n) => `${record.id}-${record.attempt}-${n}`).includes(instanceId) ? "running" : "missing",
      terminate: async (instanceId) => {
        terminated.push(instanceId);
      },
      purge: async () => 0,
    });
  };
  return {
    ...{
      id: record.id,
      imports,
      open,
      parts,
      secrets,
      started,
      terminated,
      lines,
      events,
      lookAfter,
      life,
      pass,
      step,
      now: clock,
    },
    /** The app has just moved something, and begun what was queued so long ago. */
    lookAmongOthersAfter: async (minutes: number, queuedMinutesAgo: number) => {
      pass(minutes);
      await heartbeat.advance({ movedAt: now, reachedAt: new Date(now.getTime() - queuedMinutesAgo * minuteMs) });
      await lookAfter(0);
    },
    read: async (): Promise<ImportRecord | undefined> => (await imports.read(record.id))?.record,
    change: (change: Partial<ImportRecord>) => imports.update(record.id, (current) => ({ ...current, ...change })),
  };
}

describe("an import of which nothing moves", () => {
  it("is begun again once, with its credentials and by its old deadline", async () => {
    const { id, lookAfter, read, started, terminated, secrets, open } = await startWorld({});
    const deadlineAt = (await read())?.deadlineAt;

    await lookAfter(0);
    await lookAfter(61);

    expect(await read()).toMatchObject({ state: "Accepted", attempt: 2, hasCredentials: true, deadlineAt });
    expect(started).toEqual([`${id}-2`]);
    expect(terminated).toEqual([`${id}-1`, `${id}-1-0`]);
    expect(await secrets.read({ importId: id, name: "source" })).toEqual({ username: "u", password: "p" });
    expect(await open.list()).toMatchObject([{ id, attempt: 2 }]);
  });

  it("is begun again also where a process has ended between the two steps of that", async () => {
    const { id, open, lookAfter, read, now, started, terminated } = await startWorld({});
    await open.insert({ id, attempt: 2, createdAt: now().toISOString() });

    await lookAfter(60);
    await lookAfter(61);

    expect(await read()).toMatchObject({ state: "Accepted", attempt: 2 });
    expect(started).toEqual([`${id}-2`]);
    expect(terminated).toEqual([`${id}-1`, `${id}-1-0`]);
  });

  it("fails when it stands still a second time", async () => {
    const { lookAfter, read, started, open } = await startWorld({ attempt: 2, replacedAt: "2026-03-01T12:30:00.000Z" });

    await lookAfter(0);
    await lookAfter(61);

    expect(await read()).toMatchObject({ state: "Failed", error: { code: "IMPORT_STUCK" } });
    expect(started).toEqual([]);
    expect(await open.list()).toEqual([]);
  });

  it("fails at once when its tags were being written", async () => {
    const { lookAfter, read } = await startWorld({ state: "Publishing" });

    await lookAfter(0);
    await lookAfter(61);

    expect(await read()).toMatchObject({ state: "Failed", attempt: 1, error: { code: "IMPORT_STUCK" } });
  });

  it("is found among others that move, once these have overtaken it", async () => {
    const { lookAfter, lookAmongOthersAfter, read } = await startWorld({});

    await lookAfter(0);
    await lookAmongOthersAfter(30, 1); // what was queued half an hour after it has begun
    await lookAmongOthersAfter(59, 1);
    expect(await read()).toMatchObject({ attempt: 1 });
    await lookAmongOthersAfter(2, 1);

    expect(await read()).toMatchObject({ state: "Accepted", attempt: 2 });
  });

  it("is found when its step never ends", async () => {
    const { lookAfter, read, step, pass } = await startWorld({});
    pass(2);
    const hangs = Promise.withResolvers<void>();
    const begun = step(async () => {
      await hangs.promise;
      return { kind: "done" };
    });

    await lookAfter(5);
    await lookAfter(61);

    expect(await read()).toMatchObject({ state: "Accepted", attempt: 2 });
    hangs.resolve();
    await begun;
  });

  it("is found past its deadline, even behind others", async () => {
    const { lookAfter, lookAmongOthersAfter, read } = await startWorld({ deadlineAt: "2026-03-01T13:30:00.000Z" });

    await lookAfter(0);
    await lookAmongOthersAfter(80, 600);
    expect(await read()).toMatchObject({ attempt: 1 });
    await lookAmongOthersAfter(11, 600);

    expect(await read()).toMatchObject({ attempt: 2 });
  });

  it("takes all its sub-orchestrations with it, also when the history of one is purged", async () => {
    const { id, lookAfter, parts, terminated } = await startWorld({}, [2, 4]);
    const blob = { kind: "blob", target: 0, state: "pending", mediaType: "application/octet-stream" } as const;
    const digests = ["a", "b", "c", "d", "e"].map(aDigest);
    await parts.insertPlanned(
      id,
      digests.map((digest) => ({ ...blob, digest, sizeBytes: 1 })),
    );

    await lookAfter(0);
    await lookAfter(61);

    expect(terminated).toEqual([`${id}-1`, `${id}-1-2`, `${id}-1-4`]);
  });

  it("ends as cancelled when somebody has asked for that", async () => {
    const { lookAfter, read } = await startWorld({ cancelRequestedAt: "2026-03-01T12:30:00.000Z" });

    await lookAfter(0);
    await lookAfter(61);

    expect(await read()).toMatchObject({ state: "Cancelled" });
  });

  it("ends with the error that stopped it", async () => {
    const error = { code: "TARGET_LOCKED", message: "locked", retryable: false } as const;
    const { lookAfter, read } = await startWorld({ stopRequestedAt: "2026-03-01T12:30:00.000Z", error });

    await lookAfter(0);
    await lookAfter(61);

    expect(await read()).toMatchObject({ state: "Failed", error: { code: "TARGET_LOCKED" } });
  });
});

describe("an import that never begins", () => {
  const accepted = { state: "Accepted" } as const;

  it("is told of, where the app gets on with nothing at all", async () => {
    const { id, lookAfter, lines, read, started } = await startWorld(accepted);

    await lookAfter(0);

    expect(lines).toEqual([
      { event: "imports-not-begun", fields: { importId: id, attempt: 1, minutes: 60, count: 1 } },
    ]);
    expect([await read(), started]).toMatchObject([{ state: "Accepted", attempt: 1 }, []]);
  });

  it("is told of each time for as long as it lasts", async () => {
    const { lookAfter, events } = await startWorld(accepted);

    await lookAfter(0);
    await lookAfter(5);

    expect(events()).toEqual(["imports-not-begun", "imports-not-begun"]);
  });

  it("is told of among others that move, once these have overtaken it", async () => {
    const { lookAmongOthersAfter, events } = await startWorld(accepted);

    await lookAmongOthersAfter(0, 1); // what was queued an hour after it has begun
    await lookAmongOthersAfter(59, 1);
    expect(events()).toEqual([]);
    await lookAmongOthersAfter(2, 1);

    expect(events()).toEqual(["imports-not-begun"]);
  });

  it("is no trouble while it is behind others, or young", async () => {
    const behind = await startWorld(accepted);
    const young = await startWorld({ ...accepted, createdAt: "2026-03-01T12:01:00.000Z" });

    for (let hours = 0; hours < 4; hours += 1) await behind.lookAmongOthersAfter(60, 60 * (hours + 2));
    await young.lookAfter(0);

    expect([behind.events(), young.events()]).toEqual([[], []]);
  });

  it("is the oldest of many that a line names", async () => {
    const { id, lookAfter, lines, open, imports } = await startWorld(accepted);
    const younger = aRecord({ ...accepted, id: anImportId(), createdAt: "2026-03-01T12:00:01.000Z" });
    await open.insert({ id: younger.id, attempt: 1, createdAt: younger.createdAt });
    await imports.insert(younger);

    await lookAfter(1);

    expect(lines).toMatchObject([{ fields: { importId: id, minutes: 61, count: 2 } }]);
  });
});

describe("an import that is not stuck", () => {
  it("is left alone while anything of it moves", async () => {
    const { lookAfter, change, read } = await startWorld({});

    await lookAfter(0);
    await change({ warnings: ["something has happened"] });
    await lookAfter(61);
    await lookAfter(59);

    expect(await read()).toMatchObject({ state: "Copying", attempt: 1 });
  });

  it.each([
    ["waits for its turn", { state: "Accepted" }],
    [
      "waits for a registry",
      { waiting: { until: "2026-03-01T18:00:00.000Z", code: "TARGET_RATE_LIMITED", message: "slow down" } },
    ],
    ["is in the hands of ACR", { delegation: { reason: "requested", starts: 1, operation: "sealed" } }],
  ] as const)("is left alone when it %s", async (_why, changes) => {
    const { lookAfter, read } = await startWorld(changes);

    await lookAfter(0);
    await lookAfter(61);
    await lookAfter(61);

    expect(await read()).toMatchObject({ attempt: 1, state: "state" in changes ? "Accepted" : "Copying" });
  });

  it.each<StepOutcome>([{ kind: "wait", retryAfterSeconds: 15 }, { kind: "more" }])(
    "is left alone while another import sends its blob: $kind",
    async (outcome) => {
      const { lookAfter, step, read } = await startWorld({});

      for (let hours = 0; hours < 4; hours += 1) {
        await step(async () => outcome);
        await lookAfter(59);
        await lookAfter(1);
      }

      expect(await read()).toMatchObject({ state: "Copying", attempt: 1 });
    },
  );

  it("is left alone while it is behind others, and has its time when they have had theirs", async () => {
    const { lookAfter, lookAmongOthersAfter, read } = await startWorld({});

    await lookAfter(0);
    for (let hours = 1; hours <= 4; hours += 1) await lookAmongOthersAfter(60, hours * 60);
    await lookAmongOthersAfter(59, 1);
    await lookAmongOthersAfter(59, 1);

    expect(await read()).toMatchObject({ state: "Copying", attempt: 1 });
  });

  it("is left alone while a large blob of it is verified", async () => {
    const { id, lookAfter, pass, life, parts, now, read } = await startWorld({ state: "Verifying" });
    const sizeBytes = 50_000_000;
    const digest = aDigest("large");
    const blob = { kind: "blob", target: 0, state: "done", mediaType: "application/octet-stream" } as const;
    await parts.insertPlanned(id, [{ ...blob, digest, sizeBytes }]);
    const record = await read();
    if (record === undefined) throw new Error("the import is gone");
    const verifyPlannedUnit = createVerifyPlannedUnit({
      ...{ parts, life, elapsedMs: () => now().getTime(), wholeBlobBudgetMs: 115 * minuteMs },
      repositories: { ofImport: async () => ({ targets: [] }) },
      verifyUnit: async (_unit, { onProgress, onVerified }: VerifyContext) => {
        onProgress(1); // what is reported begins with the first 2 s
        for (let bytes = 1_000_000; bytes <= 4_000_000; bytes += 1_000_000) {
          pass(1);
          onProgress(bytes);
          await expect.poll(async () => (await parts.sum(id)).verified?.bytes).toBe(bytes);
          await lookAfter(59);
        }
        onVerified({ target: 0, digest });
        return { kind: "verified" };
      },
    });

    const unit = { n: 0, blobs: [{ digest, sizeBytes, targets: [0] }] };
    const context = { row: { record, etag: "1" }, budget: { endsAt: 0, stopping: never }, signal: never };
    await verifyPlannedUnit({ importId: id, unit, round: 0 }, context);

    expect(await read()).toMatchObject({ state: "Verifying", attempt: 1 });
    expect((await parts.sum(id)).verified).toEqual({ blobs: 1, bytes: sizeBytes });
  });
});
