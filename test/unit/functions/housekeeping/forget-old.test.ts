import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createForgetImport } from "../../../../src/functions/forget-import.ts";
import { createForgetOld } from "../../../../src/functions/housekeeping/forget-old.ts";
import { createDeadEvents } from "../../../../src/store/dead-events.ts";
import { createImports } from "../../../../src/store/imports.ts";
import { createOpen } from "../../../../src/store/open.ts";
import { createParts } from "../../../../src/store/parts.ts";
import { createPoison } from "../../../../src/store/poison.ts";
import { createPromotionItems } from "../../../../src/store/promotion-items.ts";
import { createPromotions } from "../../../../src/store/promotions.ts";
import { createSealer, randomSealingKey } from "../../../../src/store/sealing.ts";
import { createSecrets } from "../../../../src/store/secrets.ts";
import { type Azurite, openTables, startAzurite } from "../../../helpers/azurite.ts";
import { aDigest, anImportId, aRecord } from "../../../helpers/import-records.ts";
import { anItem, aPromotion } from "../../../helpers/promotion-records.ts";
import { createMemoryLog } from "../memory-stores.ts";

const now = new Date("2026-06-30T12:00:00.000Z");
const daysAgo = (days: number) => new Date(now.getTime() - days * 24 * 3_600_000);

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite[Symbol.asyncDispose]());

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  world = createWorld();
});

function createWorld() {
  const access = openTables(azurite);
  const stores = {
    imports: createImports(access),
    open: createOpen(access),
    parts: createParts(access),
    secrets: createSecrets(access, createSealer([randomSealingKey()])),
    promotions: createPromotions(access),
    items: createPromotionItems(access),
    deadEvents: createDeadEvents(access),
    poison: createPoison(access),
  };
  const { log, lines } = createMemoryLog();
  const purged: Date[] = [];
  const forget = (retentionDays: number) =>
    createForgetOld({
      ...{ ...stores, retentionDays, log, now: () => now },
      forgetImport: createForgetImport(stores),
    })({
      purge: async (before) => {
        purged.push(before);
        return 3;
      },
    });
  return { ...stores, forget, purged, lines };
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

  it("purges the histories of that age, and says what it did", async () => {
    await world.forget(30);

    expect(world.purged).toEqual([daysAgo(30)]);
    expect(world.lines).toEqual([
      { event: "forgotten", fields: { imports: 0, promotions: 0, events: 0, messages: 0, histories: 3 } },
    ]);
  });

  it("keeps everything where the retention is 0", async () => {
    const { imports, forget, purged } = world;
    await imports.insert(anImport(4_000, 3_999));

    await forget(0);

    expect((await imports.list({ limit: 10 })).records).toHaveLength(1);
    expect(purged).toEqual([]);
  });
});
