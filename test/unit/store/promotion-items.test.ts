import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { itemRefused } from "../../../src/domain/promotion-item.ts";
import { createPromotionItems } from "../../../src/store/promotion-items.ts";
import { createPromotions } from "../../../src/store/promotions.ts";
import { type Azurite, openTables, startAzurite } from "../../helpers/azurite.ts";
import { anImportId } from "../../helpers/import-records.ts";
import { anItem, aPromotion } from "../../helpers/promotion-records.ts";

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

const now = new Date("2026-03-01T13:00:00.000Z");
const error = { code: "SOURCE_NOT_FOUND", message: "gone", retryable: false } as const;

function someItems(count: number) {
  const promotion = anImportId();
  const rows = Array.from({ length: count }, (_, at) => anItem({ promotion, key: String(at).padStart(4, "0") }));
  return { promotion, rows };
}

describe("createPromotionItems", () => {
  it("reads back what it has written", async () => {
    const items = createPromotionItems(openTables(azurite));
    const { promotion, rows } = someItems(1);
    const [first = anItem()] = rows;
    await items.insert(rows);

    const failed = await items.update(promotion, first.key, (item) =>
      itemRefused({ ...item, state: "Queued", queuedAt: now.toISOString() }, error, now),
    );

    expect(failed).toMatchObject({ state: "Failed", result: { error } });
    expect(await items.read(promotion, first.key)).toEqual(failed);
  });

  it("leaves rows alone that are there, and names them", async () => {
    const items = createPromotionItems(openTables(azurite));
    const { promotion, rows } = someItems(150);
    await items.insert(rows.slice(40, 60));
    const { items: marks } = await items.marks(promotion, { states: ["Pending"] }, 5);
    await items.markQueued(promotion, marks, now);

    const existing = await items.insert(rows);

    expect([...existing].sort()).toEqual(rows.slice(40, 60).map(({ key }) => key));
    const { states } = await items.sum(promotion);
    expect(states).toMatchObject({ Pending: 145, Queued: 5 });
  });

  it("asks once for the rows of a batch that are there, whatever the order of a repeat", async () => {
    const access = openTables(azurite);
    const items = createPromotionItems(access);
    const { rows } = someItems(300);
    await items.insert(rows.slice(0, 250));
    const before = access.transactions();

    const existing = await items.insert(rows.toReversed());

    expect(existing).toHaveLength(250);
    // Three batches, which are refused, and a query for each of them. The last one again without those that are there.
    expect(access.transactions() - before).toBe(3 + 3 + 1);
  });

  it("moves no item that somebody else has moved since", async () => {
    const items = createPromotionItems(openTables(azurite));
    const { promotion, rows } = someItems(3);
    await items.insert(rows);
    const { items: marks } = await items.marks(promotion, { states: ["Pending"] }, 3);
    await items.update(promotion, "0001", (item) => ({ ...item, state: "Succeeded" }));

    const outcome = await items.markQueued(promotion, marks, now);

    expect(outcome).toBe("conflict");
    expect((await items.read(promotion, "0001"))?.state).toBe("Succeeded");
  });

  it("lists a range of keys in the given states, and says when there are no more", async () => {
    const items = createPromotionItems(openTables(azurite));
    const { promotion, rows } = someItems(6);
    await items.insert(rows);
    await items.update(promotion, "0003", (item) => ({ ...item, state: "Failed" }));
    const keys = ({ items: found }: Awaited<ReturnType<typeof items.marks>>) => found.map(({ key }) => key);

    const first = await items.marks(promotion, { after: "0001", states: ["Pending"] }, 2);
    const rest = await items.marks(promotion, { after: "0004", states: ["Pending"] }, 2);
    const window = await items.marks(promotion, { from: "0001", upTo: "0003", states: ["Pending", "Failed"] }, 9);

    expect(keys(first)).toEqual(["0002", "0004"]);
    expect(rest).toMatchObject({ isLast: true, items: [{ key: "0005" }] });
    expect(keys(window)).toEqual(["0001", "0002", "0003"]);
  });
});

describe("createPromotions", () => {
  it("keeps the record that is there, lists newest first, and marks what is unfinished", async () => {
    const promotions = createPromotions(openTables(azurite));
    const older = aPromotion({ id: anImportId(new Date("2026-03-01T12:00:00.000Z")) });
    const newer = aPromotion({ id: anImportId(new Date("2026-03-01T12:00:01.000Z")), state: "Running" });
    await promotions.insertOpen({ id: older.id, attempt: 2, createdAt: now.toISOString() });
    await promotions.insert(older);
    await promotions.insert(newer);

    expect(await promotions.insert({ ...older, state: "Running" })).toEqual(older);
    expect((await promotions.list({ limit: 10 })).records.map(({ id }) => id)).toEqual([newer.id, older.id]);
    expect((await promotions.list({ limit: 10, state: "Running" })).records).toEqual([newer]);
    await promotions.deleteOpen(older.id, 1);
    expect(await promotions.listOpen()).toHaveLength(1);
    await promotions.deleteOpen(older.id, 2);
    expect(await promotions.listOpen()).toEqual([]);
  });
});
