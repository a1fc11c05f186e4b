import { beforeEach, describe, expect, it } from "vitest";
import { retrySecretName } from "../../../../src/domain/secret-row.ts";
import { createForgetImport } from "../../../../src/functions/forget-import.ts";
import { createForgetOld, type ForgetOldDeps } from "../../../../src/functions/housekeeping/forget-old.ts";
import { createWithinBudget } from "../../../../src/functions/housekeeping/within-budget.ts";
import { createDeadEvents } from "../../../../src/store/dead-events.ts";
import { createHeartbeat } from "../../../../src/store/heartbeat.ts";
import { createImports } from "../../../../src/store/imports.ts";
import { createOpen } from "../../../../src/store/open.ts";
import { createParts } from "../../../../src/store/parts.ts";
import { createPoison } from "../../../../src/store/poison.ts";
import { createPromotionItems } from "../../../../src/store/promotion-items.ts";
import { createPromotions } from "../../../../src/store/promotions.ts";
import { createSealer, randomSealingKey } from "../../../../src/store/sealing.ts";
import { createSecrets } from "../../../../src/store/secrets.ts";
import { aDigest, anImportId, aRecord } from "../../../helpers/import-records.ts";
import { anItem, aPromotion } from "../../../helpers/promotion-records.ts";
import { useTables } from "../../../helpers/use-tables.ts";
import { createMemoryLog } from "../memory-stores.ts";

const now = new Date("2026-06-30T12:00:00.000Z");
const daysAgo = (days: number) => new Date(now.getTime() - days * 24 * 3_600_000);

const tables = useTables();

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  world = createWorld();
});

function createWorld() {
  const { access } = tables;
  const stores = {
    imports: createImports(access),
    open: createOpen(access),
    parts: createParts(access),
    secrets: createSecrets(access, createSealer([randomSealingKey()])),
    promotions: createPromotions(access),
    items: createPromotionItems(access),
    deadEvents: createDeadEvents(access),
    poison: createPoison(access),
    heartbeat: createHeartbeat(access),
  };
  const { log, lines } = createMemoryLog();
  const purged: (readonly [from: Date, until: Date])[] = [];
  const forgetImport = createForgetImport({ ...stores, now: () => now });
  /** Ten minutes of that clock, in milliseconds. */
  const inTimeBy = (elapsedMs: () => number) => createWithinBudget({ budgetMs: 600_000, log, elapsedMs });
  const purgeWell = async (from: Date, until: Date) => {
    purged.push([from, until]);
    return 3;
  };
  const forget = (retentionDays: number, changes: Partial<ForgetOldDeps> = {}, purge = purgeWell) =>
    createForgetOld({
      ...{ ...stores, retentionDays, inTime: inTimeBy(() => 0), log, now: () => now },
      ...{ forgetImport, ...changes },
    })({ purge });
  return { ...stores, inTimeBy, forget, forgetImport, purged, lines };
}

/** An import that was caused and, unless it runs, ended at these times. */
function anImport(causedDaysAgo: number, endedDaysAgo: number | undefined) {
  const id = anImportId(daysAgo(causedDaysAgo));
  if (endedDaysAgo === undefined) return aRecord({ id, state: "Copying" });
  return aRecord({ id, state: "Succeeded", finishedAt: daysAgo(endedDaysAgo).toISOString() });
}

describe("forgetting what is old", () => {
  it("deletes imports that ended before the retention, with their parts", async () => {
    const { imports, parts, forget } = world;
    const [old, retried, running, young] = [anImport(40, 39), anImport(40, 2), anImport(40, undefined), anImport(5, 5)];
    for (const record of [old, retried, running, young]) await imports.insert(record);
    const part = { kind: "blob", target: 0, state: "pending", mediaType: "application/octet-stream" } as const;
    await parts.insertPlanned(old.id, [{ ...part, digest: aDigest("layer"), sizeBytes: 1 }]);

    await forget(30);

    const { records } = await imports.list({ limit: 10 });
    expect(new Set(records.map(({ id }) => id))).toEqual(new Set([retried.id, running.id, young.id]));
    expect(await parts.readBlobs(old.id)).toEqual([]);
  });

  it.each<"list" | "read">(["list", "read"])("keeps an import that is retried after its %s", async (late) => {
    const { imports, secrets, parts, forget } = world;
    const old = { ...anImport(40, 39), state: "Failed" as const, hasCredentials: true };
    await imports.insert(old);
    const part = { kind: "blob", target: 0, state: "pending", mediaType: "application/octet-stream" } as const;
    await parts.insertPlanned(old.id, [{ ...part, digest: aDigest("layer"), sizeBytes: 1 }]);
    const secret = { importId: old.id, name: retrySecretName(2, "abcd") };
    const retry = async () => {
      await secrets.insert(secret, { username: "u", password: "new" });
      await imports.update(old.id, (record) => ({ ...record, state: "Accepted", attempt: 2 }));
    };
    const thenRetry = <Args extends unknown[], T>(work: (...args: Args) => Promise<T>) => {
      return async (...args: Args): Promise<T> => {
        const found = await work(...args);
        await retry();
        return found;
      };
    };

    await forget(30, {
      imports: { ...imports, [late]: late === "list" ? thenRetry(imports.list) : thenRetry(imports.read) },
    });

    expect((await imports.read(old.id))?.record).toMatchObject({ state: "Accepted", attempt: 2 });
    expect(await secrets.read(secret)).toEqual({ username: "u", password: "new" });
    expect(await parts.readBlobs(old.id)).toHaveLength(1);
  });

  it("leaves a row for the sweep to find when a crash comes after the record is gone", async () => {
    const { imports, open, parts, secrets } = world;
    const old = anImport(40, 39);
    await imports.insert(old);
    const stored = await imports.read(old.id);
    if (stored === undefined) throw new Error("the import is gone");
    const crash = { deleteAll: () => Promise.reject(new Error("the process ends")) };
    const forgetImport = createForgetImport({ imports, open, secrets, parts: { ...parts, ...crash }, now: () => now });

    await expect(forgetImport(stored)).rejects.toThrow("the process ends");

    expect(await imports.read(old.id)).toBeUndefined();
    expect(await open.list()).toMatchObject([{ id: old.id, createdAt: now.toISOString() }]);
  });

  it("goes on for as long as it has time, and says when that was not enough", async () => {
    const { imports, forget, inTimeBy, lines } = world;
    const records = Array.from({ length: 101 }, () => anImport(40, 39));
    await Promise.all(records.map((record) => imports.insert(record)));
    let minutes = 0;
    const late = inTimeBy(() => minutes * 60_000);
    const slow = async (...request: Parameters<typeof imports.list>) => {
      minutes += 10;
      return await imports.list(...request);
    };

    await forget(30, { imports: { ...imports, list: slow }, inTime: late });
    const left = (await imports.list({ limit: 10 })).records.length;
    await forget(30);

    expect(lines[0]).toEqual({
      event: "forget-cut",
      fields: { kind: "imports", count: 101 - left, budgetMs: 600_000 },
    });
    expect(left).toBeGreaterThan(0);
    expect((await imports.list({ limit: 10 })).records).toEqual([]);
  });

  it("keeps a promotion that is retried meanwhile, with its items", async () => {
    const { promotions, items, forget } = world;
    const ended = { state: "Failed", finishedAt: daysAgo(39).toISOString() } as const;
    const old = aPromotion({ id: anImportId(daysAgo(40)), ...ended });
    await promotions.insert(old);
    await items.insert([anItem({ promotion: old.id })]);
    const read: typeof promotions.read = async (id) => {
      const stored = await promotions.read(id);
      await promotions.update(id, (record) => ({ ...record, state: "Running", attempt: 2 }));
      return stored;
    };

    await forget(30, { promotions: { ...promotions, read } });

    expect((await promotions.read(old.id))?.record).toMatchObject({ state: "Running", attempt: 2 });
    expect((await items.list(old.id, { limit: 10 })).items).toHaveLength(1);
  });

  it("deletes promotions that ended before the retention, with their items", async () => {
    const { promotions, items, forget } = world;
    const ended = { state: "Succeeded", finishedAt: daysAgo(39).toISOString() } as const;
    const old = aPromotion({ id: anImportId(daysAgo(40)), ...ended });
    const young = aPromotion({ id: anImportId(daysAgo(5)), ...ended, finishedAt: daysAgo(5).toISOString() });
    for (const promotion of [old, young]) await promotions.insert(promotion);
    await items.insert([anItem({ promotion: old.id })]);

    await forget(30);

    expect((await promotions.list({ limit: 10 })).records.map(({ id }) => id)).toEqual([young.id]);
    expect((await items.list(old.id, { limit: 10 })).items).toEqual([]);
  });

  it("deletes dead events and given-up messages of that age", async () => {
    const { deadEvents, poison, forget } = world;
    const event = {
      specversion: "1.0",
      source: "/here",
      type: "t",
      time: daysAgo(60).toISOString(),
      data: {},
    } as const;
    for (const days of [40, 5]) {
      const stored = { ...event, id: `e-${days}`, subject: "s", datacontenttype: "application/json" } as const;
      await deadEvents.put({
        sink: "hook",
        reason: "503",
        attempts: 1,
        diedAt: daysAgo(days).toISOString(),
        event: stored,
      });
      const reason = { code: "INVALID_REQUEST", message: "no", retryable: false } as const;
      const entry = { id: anImportId(), body: "{}", isCut: false, reason, dequeueCount: 5 };
      await poison.upsert({ ...entry, createdAt: daysAgo(days).toISOString() });
    }

    await forget(30);

    expect((await deadEvents.page(10, undefined)).dead.map(({ event: { id } }) => id)).toEqual(["e-5"]);
    expect((await poison.list(10, undefined)).entries).toHaveLength(1);
  });

  it("purges the histories of what began before that, day by day from where it was before, and says what it did", async () => {
    await world.heartbeat.notePurged(daysAgo(32.5));

    await world.forget(30);

    expect(world.purged).toEqual([
      [daysAgo(32.5), daysAgo(31.5)],
      [daysAgo(31.5), daysAgo(30.5)],
      [daysAgo(30.5), daysAgo(30)],
      [new Date(0), daysAgo(32.5)], // what has ended only since
    ]);
    expect(world.lines).toEqual([
      { event: "forgotten", fields: { imports: 0, promotions: 0, events: 0, messages: 0, histories: 12 } },
    ]);
    expect(await world.heartbeat.readPurged()).toEqual(daysAgo(30));
  });

  it("begins a year back where it has never purged", async () => {
    await world.forget(30);

    expect(world.purged[0]).toEqual([daysAgo(395), daysAgo(394)]);
    expect(world.purged.slice(-2)).toEqual([
      [daysAgo(31), daysAgo(30)],
      [new Date(0), daysAgo(395)],
    ]);
  });

  it("looks once for histories where the retention has become longer, and remembers how far it was", async () => {
    await world.heartbeat.notePurged(daysAgo(30));

    await world.forget(60);

    expect(world.purged).toEqual([[new Date(0), daysAgo(60)]]);
    expect(await world.heartbeat.readPurged()).toEqual(daysAgo(30));
  });

  it("goes on with the histories in the next hour where its time was over", async () => {
    const { forget, inTimeBy, heartbeat, purged, lines } = world;
    await heartbeat.notePurged(daysAgo(40));
    let minutes = 0;
    const late = inTimeBy(() => minutes * 60_000);
    const slow = {
      ...heartbeat,
      notePurged: async (until: Date) => {
        minutes += 4;
        await heartbeat.notePurged(until);
      },
    };

    await forget(30, { heartbeat: slow, inTime: late });

    expect(lines[0]).toEqual({ event: "forget-cut", fields: { kind: "histories", count: 9, budgetMs: 600_000 } });
    expect(await heartbeat.readPurged()).toEqual(daysAgo(37));
    await forget(30);
    expect(purged.at(-2)?.[1]).toEqual(daysAgo(30));
  });

  it("goes on day by day also where what has ended only since cannot be looked for", async () => {
    const { forget, heartbeat, lines } = world;
    await heartbeat.notePurged(daysAgo(32));

    await forget(30, {}, async (from) => {
      if (from.getTime() === 0) throw new Error("the host does not answer in time");
      return 1;
    });

    expect(await heartbeat.readPurged()).toEqual(daysAgo(30));
    expect(lines[0]).toMatchObject({ event: "sweep-failed", fields: { task: "histories" } });
  });

  it.each(["imports", "promotions", "events", "messages"])("goes on with the others where %s fail", async (kind) => {
    const fails = () => Promise.reject(new Error("storage does not answer"));
    const broken: Record<string, Partial<ForgetOldDeps>> = {
      imports: { imports: { ...world.imports, list: fails } },
      promotions: { promotions: { ...world.promotions, list: fails } },
      events: { deadEvents: { deleteOld: fails } },
      messages: { poison: { deleteOld: fails } },
    };
    await world.heartbeat.notePurged(daysAgo(30));
    const old = anImport(40, 39);
    await world.imports.insert(old);

    await world.forget(30, broken[kind]);

    expect(world.lines[0]).toMatchObject({ event: "sweep-failed", fields: { task: kind } });
    expect(world.lines[1]).toMatchObject({ event: "forgotten", fields: { histories: 3 } });
    expect(await world.imports.read(old.id)).toEqual(kind === "imports" ? expect.anything() : undefined);
  });

  it("keeps everything where the retention is 0", async () => {
    const { imports, forget, purged } = world;
    await imports.insert(anImport(4_000, 3_999));

    await forget(0);

    expect((await imports.list({ limit: 10 })).records).toHaveLength(1);
    expect(purged).toEqual([]);
  });
});
