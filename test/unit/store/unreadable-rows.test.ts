import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDeadEvents } from "../../../src/store/dead-events.ts";
import { createImports } from "../../../src/store/imports.ts";
import { createOpen } from "../../../src/store/open.ts";
import { createPoison } from "../../../src/store/poison.ts";
import { createPromotionItems } from "../../../src/store/promotion-items.ts";
import { createPromotions } from "../../../src/store/promotions.ts";
import type { TableAccess } from "../../../src/store/storage-client.ts";
import type { Row, UnreadableRow } from "../../../src/store/table.ts";
import { type Azurite, openTables, startAzurite } from "../../helpers/azurite.ts";
import { anImportId, aRecord } from "../../helpers/import-records.ts";
import { anItem, aPromotion } from "../../helpers/promotion-records.ts";

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

const id = anImportId();
const time = "2026-03-01T12:00:00.000Z";
const record = aRecord({ id });
const promotion = aPromotion({ id });
const item = anItem({ promotion: id });
const poison = {
  ...{ id, createdAt: time, body: "{}", isCut: false, dequeueCount: 1 },
  reason: { code: "INVALID_REQUEST", message: "no", retryable: false } as const,
};
const event = { specversion: "1.0", id: "e", source: "/x", type: "t", subject: "s", time, data: {} } as const;

/** By table: puts a good row into it, and lists what is there. Bad rows stand before the good one and behind it. */
const lists = {
  "Imports by id": async (access: TableAccess) => {
    await createImports(access).insert(record);
    return async () => (await createImports(access).list({ limit: 10 })).records.map((found) => found.id);
  },
  "Open, for the sweep": async (access: TableAccess) => {
    await createOpen(access).insert({ id, attempt: 1, createdAt: time });
    return async () => (await createOpen(access).list()).map((found) => found.id);
  },
  "Open, for cancellations": async (access: TableAccess) => {
    await createOpen(access).insert({ id, attempt: 1, createdAt: time });
    await createOpen(access).requestStop(id, 1);
    return () => createOpen(access).readStopped();
  },
  "Poison for operators": async (access: TableAccess) => {
    await createPoison(access).upsert(poison);
    return async () => (await createPoison(access).list(10, undefined)).entries.map((found) => found.id);
  },
  "DeadEvents for operators": async (access: TableAccess) => {
    await createDeadEvents(access).put({ sink: "s", reason: "r", attempts: 1, diedAt: time, event });
    return async () => (await createDeadEvents(access).page(10, undefined)).dead.map(() => id);
  },
  "Promotions of a list": async (access: TableAccess) => {
    await createPromotions(access).insert(promotion);
    return async () => (await createPromotions(access).list({ limit: 10 })).records.map((found) => found.id);
  },
  "Promotions, for the sweep": async (access: TableAccess) => {
    await createPromotions(access).insertOpen({ id, attempt: 1, createdAt: time });
    return async () => (await createPromotions(access).listOpen()).map((found) => found.id);
  },
  "PromotionItems of a list": async (access: TableAccess) => {
    await createPromotionItems(access).insert([item]);
    return async () => (await createPromotionItems(access).list(id, { limit: 10 })).items.map(() => id);
  },
  "PromotionItems of a window": async (access: TableAccess) => {
    await createPromotionItems(access).insert([item]);
    const range = { states: ["Pending"] } as const;
    return async () => (await createPromotionItems(access).marks(id, range, 10)).items.map(() => id);
  },
} as const;

/** Where a row of the list could stand, made of one that does. */
async function foreignRows(access: TableAccess, name: string): Promise<readonly Row[]> {
  const pages = await access.table(name).page({ filter: "" }, 10, undefined);
  const { partitionKey } = pages.rows[0]?.row ?? {};
  return ["!", "~"].map((rowKey) => ({
    ...{ partitionKey: String(partitionKey), rowKey, v: 9, state: "Pending", stop: true },
  }));
}

describe("a row that cannot be read", () => {
  it.each(Object.entries(lists))("hides no other one in %s, and is told of", async (title, open) => {
    const access = openTables(azurite);
    const list = await open(access);
    const [name = ""] = title.split(/[ ,]/);
    const told: UnreadableRow[] = [];
    access.onUnreadable((row) => told.push(row));
    const foreign = await foreignRows(access, name);
    for (const row of foreign) await access.table(name).insert(row);

    expect(await list()).toEqual([id]);
    expect(told).toMatchObject(foreign.map(({ partitionKey, rowKey }) => ({ table: name, partitionKey, rowKey })));
  });

  it("is deleted with its promotion, and counts as no item", async () => {
    const access = openTables(azurite);
    const items = createPromotionItems(access);
    await items.insert([item]);
    await access.table("PromotionItems").insert({ partitionKey: id, rowKey: "~", state: "Unheard of" });

    const { states } = await items.sum(id);
    await items.deleteAll(id);

    expect(states.Pending).toBe(1);
    expect((await access.table("PromotionItems").page({ filter: "" }, 10, undefined)).rows).toEqual([]);
  });
});
