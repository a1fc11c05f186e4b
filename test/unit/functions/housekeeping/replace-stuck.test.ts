import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ImportRecord } from "../../../../src/domain/import-record.ts";
import { createBeginAgain } from "../../../../src/functions/begin-again.ts";
import { createEndImport } from "../../../../src/functions/end-import.ts";
import { createEndedImports } from "../../../../src/functions/ended-imports.ts";
import { createReplaceStuck } from "../../../../src/functions/housekeeping/replace-stuck.ts";
import { createStartImport } from "../../../../src/functions/start-import.ts";
import { createImports } from "../../../../src/store/imports.ts";
import { createOpen } from "../../../../src/store/open.ts";
import { createParts } from "../../../../src/store/parts.ts";
import { createSealer, randomSealingKey } from "../../../../src/store/sealing.ts";
import { createSecrets } from "../../../../src/store/secrets.ts";
import { type Azurite, openTables, startAzurite } from "../../../helpers/azurite.ts";
import { anImportId, aRecord, type RecordChanges } from "../../../helpers/import-records.ts";
import { createMemoryLog } from "../memory-stores.ts";

const minuteMs = 60_000;
const course = {
  retry: { firstMs: 1, attempts: 1, backoff: 1, maxMs: 1 },
  ...{ maxActivities: 300, maxWaitSeconds: 1, maxUnreachableRounds: 1 },
};

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite[Symbol.asyncDispose]());

/** An import that has been open for an hour, with credentials of its own and one sub-orchestration. */
async function startWorld(changes: RecordChanges) {
  const access = openTables(azurite);
  const imports = createImports(access);
  const open = createOpen(access);
  const parts = createParts(access);
  const secrets = createSecrets(access, createSealer([randomSealingKey()]));
  const { log, events } = createMemoryLog();
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
    ...{ imports, open, parts, stuckMinutes: 60, log, now: clock },
    beginAgain: createBeginAgain({ imports, parts, secrets, startImport }),
    endImport: createEndImport({
      ...{ imports, open, secrets, endedImports: createEndedImports(), afterEnd: async () => {}, log, now: clock },
    }),
  });
  const lookAfter = async (minutes: number) => {
    now = new Date(now.getTime() + minutes * minuteMs);
    await look({
      start: async (_name, instanceId) => {
        started.push(instanceId);
      },
      raise: async () => true,
      state: async (instanceId) => (instanceId === `${record.id}-${record.attempt}-0` ? "running" : "missing"),
      terminate: async (instanceId) => {
        terminated.push(instanceId);
      },
      purge: async () => 0,
    });
  };
  return {
    ...{ id: record.id, imports, open, secrets, started, terminated, events, lookAfter },
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
});
