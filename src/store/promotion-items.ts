import type { ImportId } from "../domain/import-id.ts";
import type { PromotionItem } from "../domain/promotion-item.ts";
import type { ItemState } from "../domain/promotion-record.ts";
import { splitBatches, writeBatch, writeBatches } from "./batches.ts";
import {
  decodeMark,
  decodeTally,
  type ItemMark,
  type ItemTally,
  itemKeys,
  itemRow,
  markColumns,
  tallyColumns,
} from "./promotion-item-row.ts";
import type { TableAccess } from "./storage-client.ts";
import { type BatchAction, filterText } from "./table.ts";
import { updateRow } from "./update-row.ts";

/** Sums over the items of a promotion. */
export interface ItemSum {
  readonly states: Readonly<Record<ItemState, number>>;
  readonly bytes: { readonly copied: number; readonly mounted: number; readonly skipped: number };
  /** Of all items that have ended: ISO. */
  readonly finishedAt: readonly string[];
}

/** Items in the order of their keys; `isLast`: there are no more. */
export interface ItemMarks {
  readonly items: readonly ItemMark[];
  readonly isLast: boolean;
}

/** Where in the order of keys: from `from` on or behind `after`, up to and with `upTo`. */
export interface KeyRange {
  readonly from?: string;
  readonly after?: string;
  readonly upTo?: string;
  readonly states: readonly ItemState[];
}

export interface ItemListRequest {
  readonly state?: ItemState;
  readonly limit: number;
  readonly continuationToken?: string;
}

/** Table `PromotionItems`: one row per import of a promotion. */
export interface PromotionItems {
  /** Rows that are there already are left alone; returns their keys. */
  readonly insert: (items: readonly PromotionItem[]) => Promise<readonly string[]>;
  readonly read: (promotion: ImportId, key: string) => Promise<PromotionItem | undefined>;
  /** Undefined: there is no such item. */
  readonly mark: (promotion: ImportId, key: string) => Promise<ItemMark | undefined>;
  readonly update: (
    promotion: ImportId,
    key: string,
    change: (item: PromotionItem) => PromotionItem,
  ) => Promise<PromotionItem | undefined>;
  /** The first `limit` items of a range, without what they are made of. */
  readonly marks: (promotion: ImportId, range: KeyRange, limit: number) => Promise<ItemMarks>;
  /** Moves items to Queued that are as they were read; `conflict`: some are not, and may or may not have been moved. */
  readonly markQueued: (
    promotion: ImportId,
    items: readonly ItemMark[],
    queuedAt: Date,
  ) => Promise<"done" | "conflict">;
  readonly sum: (promotion: ImportId) => Promise<ItemSum>;
  /** A page of items; it may be short although more follow. */
  readonly list: (
    promotion: ImportId,
    request: ItemListRequest,
  ) => Promise<{
    readonly items: readonly PromotionItem[];
    readonly continuationToken: string | undefined;
  }>;
  readonly deleteAll: (promotion: ImportId) => Promise<void>;
}

const batchesAtOnce = 4;
type Insert = Extract<BatchAction, { kind: "insert" }>;

/** Opens table `PromotionItems`. */
export function createPromotionItems(access: TableAccess): PromotionItems {
  const table = access.table("PromotionItems");

  /** A batch with one row that exists is refused as a whole: the others again, and one by one if more came meanwhile. */
  async function insertMissing(batch: readonly Insert[]): Promise<readonly string[]> {
    const there = await readKeys(batch);
    const missing = batch.filter(({ row }) => !there.has(row.rowKey));
    const existing = batch.map(({ row }) => row.rowKey).filter((key) => there.has(key));
    if (missing.length === 0 || (await writeBatch(table, missing)) !== "exists") return existing;
    for (const { row } of missing) if ((await table.insert(row)) === "exists") existing.push(row.rowKey);
    return existing;
  }

  /** The keys that are there between the first and the last of a batch, which are those of one partition in order. */
  async function readKeys(batch: readonly Insert[]): Promise<ReadonlySet<string>> {
    const [from, upTo] = [batch[0]?.row, batch.at(-1)?.row];
    const keys = new Set<string>();
    if (from === undefined || upTo === undefined) return keys;
    const bounds = `RowKey ge ${filterText(from.rowKey)} and RowKey le ${filterText(upTo.rowKey)}`;
    const filter = `PartitionKey eq ${filterText(from.partitionKey)} and ${bounds}`;
    for await (const { row } of table.query({ filter, select: ["rowKey"] })) keys.add(String(row.rowKey));
    return keys;
  }

  return {
    insert: async (items) => {
      const inKeyOrder = items.toSorted((one, other) => (one.key < other.key ? -1 : 1));
      const batches = splitBatches<Insert>(inKeyOrder.map((item) => ({ kind: "insert", row: itemRow.encode(item) })));
      const existing: string[] = [];
      for (let start = 0; start < batches.length; start += batchesAtOnce) {
        const found = await Promise.all(
          batches
            .slice(start, start + batchesAtOnce)
            .map(async (batch) => ((await writeBatch(table, batch)) === "exists" ? await insertMissing(batch) : [])),
        );
        existing.push(...found.flat());
      }
      return existing;
    },
    read: async (promotion, key) => {
      const stored = await table.read(itemKeys(promotion, key));
      return stored && itemRow.decode(stored.row);
    },
    mark: async (promotion, key) => {
      const stored = await table.read(itemKeys(promotion, key), markColumns);
      return stored && decodeMark(stored);
    },
    update: async (promotion, key, change) => {
      const after = await updateRow({ table, key: itemKeys(promotion, key), codec: itemRow, change });
      return after?.value;
    },
    marks: async (promotion, range, limit) => {
      const query = { filter: rangeFilter(promotion, range), select: markColumns };
      const items: ItemMark[] = [];
      let token: string | undefined;
      do {
        const page = await table.page(query, limit - items.length, token);
        items.push(...table.readable(page.rows, decodeMark));
        token = page.continuationToken;
      } while (token !== undefined && items.length < limit);
      return { items, isLast: token === undefined };
    },
    markQueued: async (promotion, items, queuedAt) => {
      const outcome = await writeBatches(
        table,
        items.map(({ key, etag }) => ({
          kind: "merge",
          row: { ...itemKeys(promotion, key), state: "Queued", queuedAt: queuedAt.toISOString() },
          etag,
        })),
      );
      return outcome === "done" ? "done" : "conflict";
    },
    sum: async (promotion) => {
      const states = { Pending: 0, Queued: 0, Succeeded: 0, Skipped: 0, Failed: 0, Cancelled: 0 };
      const bytes = { copied: 0, mounted: 0, skipped: 0 };
      const finishedAt: string[] = [];
      const query = { filter: ofPromotion(promotion), select: ["partitionKey", "rowKey", ...tallyColumns] };
      for await (const stored of table.query(query)) {
        const [tally] = table.readable<ItemTally>([stored], ({ row }) => decodeTally(row));
        if (tally === undefined) continue;
        states[tally.state] += 1;
        bytes.copied += tally.copied;
        bytes.mounted += tally.mounted;
        bytes.skipped += tally.skipped;
        if (tally.finishedAt !== undefined) finishedAt.push(tally.finishedAt);
      }
      return { states, bytes, finishedAt };
    },
    list: async (promotion, { state, limit, continuationToken }) => {
      const inState = state === undefined ? "" : ` and state eq ${filterText(state)}`;
      const page = await table.page({ filter: `${ofPromotion(promotion)}${inState}` }, limit, continuationToken);
      return {
        items: table.readable(page.rows, ({ row }) => itemRow.decode(row)),
        continuationToken: page.continuationToken,
      };
    },
    deleteAll: async (promotion) => {
      const keys: string[] = [];
      const query = { filter: ofPromotion(promotion), select: ["rowKey"] };
      for await (const { row } of table.query(query)) keys.push(String(row.rowKey));
      await writeBatches(
        table,
        keys.map((key) => ({ kind: "delete", key: itemKeys(promotion, key) })),
      );
    },
  };
}

function ofPromotion(promotion: ImportId): string {
  return `PartitionKey eq ${filterText(promotion)}`;
}

function rangeFilter(promotion: ImportId, { from, after, upTo, states }: KeyRange): string {
  const bounds = [
    ["ge", from],
    ["gt", after],
    ["le", upTo],
  ] as const;
  const keys = bounds.map(([operator, key]) => (key === undefined ? "" : ` and RowKey ${operator} ${filterText(key)}`));
  const inStates = states.map((state) => `state eq ${filterText(state)}`).join(" or ");
  return `${ofPromotion(promotion)}${keys.join("")} and (${inStates})`;
}
