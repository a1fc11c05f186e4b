import { z } from "zod";
import { type ImportId, importIdSchema } from "../domain/import-id.ts";
import { type PromotionRecord, type PromotionState, promotionRecordSchema } from "../domain/promotion-record.ts";
import { readText, textColumns } from "./columns.ts";
import { timeOfId } from "./imports.ts";
import type { TableAccess } from "./storage-client.ts";
import { contended } from "./storage-errors.ts";
import { filterText, type Row, type RowKeys } from "./table.ts";
import { type RowCodec, updateRow } from "./update-row.ts";

/** A promotion that has not ended, or whose end is not cleared up yet. */
export interface OpenPromotion {
  readonly id: ImportId;
  readonly attempt: number;
  /** When this mark was made, ISO: not the time of the cause. */
  readonly createdAt: string;
}

export interface StoredPromotion {
  readonly record: PromotionRecord;
  readonly etag: string;
}

export interface PromotionListRequest {
  readonly state?: PromotionState;
  /** Those that were caused before this time. */
  readonly until?: Date;
  readonly limit: number;
  readonly continuationToken?: string;
}

/** Table `Promotions`: one row per promotion, and one mark per unfinished one. */
export interface Promotions {
  /**
   * Marks it as unfinished, or says of a mark that is there that it is wanted now. Throws STORAGE_UNAVAILABLE, retryable,
   * while the sweep forgets it.
   */
  readonly insertOpen: (open: OpenPromotion) => Promise<void>;
  /** First step of forgetting a mark and what belongs to it; `conflict`: it is not as it was listed. */
  readonly forgetOpen: (open: OpenPromotion) => Promise<"done" | "conflict">;
  readonly listOpen: () => Promise<readonly OpenPromotion[]>;
  /** Does nothing where a later attempt than this has begun. */
  readonly deleteOpen: (id: ImportId, attempt: number) => Promise<void>;
  /** The record that is there already comes back instead of being touched. */
  readonly insert: (record: PromotionRecord) => Promise<"inserted" | PromotionRecord>;
  readonly read: (id: ImportId) => Promise<StoredPromotion | undefined>;
  /** The record after `change`, which is pure and may find nothing to do; undefined: there is no such promotion. */
  readonly update: (
    id: ImportId,
    change: (record: PromotionRecord) => PromotionRecord,
  ) => Promise<PromotionRecord | undefined>;
  readonly replace: (stored: StoredPromotion) => Promise<"done" | "conflict">;
  /** Newest first; reads at most two pages of the table. */
  readonly list: (request: PromotionListRequest) => Promise<{
    readonly records: readonly PromotionRecord[];
    readonly continuationToken: string | undefined;
  }>;
  /** `conflict`: it has changed since it was read as `etag`. */
  readonly delete: (id: ImportId, etag: string) => Promise<"deleted" | "conflict">;
}

const maxTries = 5;
const maxPages = 2;

/** Opens table `Promotions`. */
export function createPromotions(access: TableAccess): Promotions {
  const table = access.table("Promotions");
  const read: Promotions["read"] = async (id) => {
    const stored = await table.read(keysOf(id));
    return stored && { record: promotionRow.decode(stored.row), etag: stored.etag };
  };
  return {
    insertOpen: async (open) => {
      const row = encodeOpen(open, false);
      for (let tries = 0; tries < maxTries; tries += 1) {
        if ((await table.insert(row)) !== "exists") return;
        const stored = await table.read(openKeysOf(open.id));
        if (!stored) continue; // the former attempt was cleared up just now
        const there = decodeOpen(stored.row);
        if (there.attempt > open.attempt) return;
        if (there.isForgotten) throw contended(table.name);
        if ((await table.replace(row, stored.etag)) !== "conflict") return;
      }
      throw contended(table.name);
    },
    forgetOpen: async (open) => {
      const stored = await table.read(openKeysOf(open.id));
      if (!stored) return "conflict";
      const there = decodeOpen(stored.row);
      if (there.attempt !== open.attempt || there.createdAt !== open.createdAt) return "conflict";
      return (await table.replace(encodeOpen(open, true), stored.etag)) === "conflict" ? "conflict" : "done";
    },
    listOpen: async () => {
      const all: OpenPromotion[] = [];
      const filter = `PartitionKey eq ${filterText(partitions.open)}`;
      for await (const stored of table.query({ filter }))
        all.push(...table.readable([stored], ({ row }) => decodeOpen(row)));
      return all;
    },
    deleteOpen: async (id, attempt) => {
      for (let tries = 0; tries < maxTries; tries += 1) {
        const stored = await table.read(openKeysOf(id));
        if (!stored || decodeOpen(stored.row).attempt > attempt) return;
        if ((await table.delete(openKeysOf(id), stored.etag)) === "deleted") return;
      }
      throw contended(table.name);
    },
    insert: async (record) => {
      if ((await table.insert(promotionRow.encode(record))) !== "exists") return "inserted";
      const existing = await read(record.id);
      if (existing === undefined) throw contended(table.name);
      return existing.record;
    },
    read,
    update: async (id, change) => {
      const after = await updateRow({ table, key: keysOf(id), codec: promotionRow, change });
      return after?.value;
    },
    replace: async ({ record, etag }) =>
      (await table.replace(promotionRow.encode(record), etag)) === "conflict" ? "conflict" : "done",
    delete: (id, etag) => table.delete(keysOf(id), etag),
    list: async ({ state, until, limit, continuationToken }) => {
      const inState = state === undefined ? "" : ` and state eq ${filterText(state)}`;
      const ofTime = until === undefined ? "" : ` and RowKey gt ${filterText(`${timeOfId(until)}~`)}`;
      const query = { filter: `PartitionKey eq ${filterText(partitions.records)}${ofTime}${inState}` };
      const records: PromotionRecord[] = [];
      let token = continuationToken;
      for (let pages = 0; pages < maxPages && records.length < limit; pages += 1) {
        const page = await table.page(query, limit - records.length, token);
        records.push(...table.readable(page.rows, ({ row }) => promotionRow.decode(row)));
        token = page.continuationToken;
        if (token === undefined) break;
      }
      return { records, continuationToken: token };
    },
  };
}

const rowSchema = z.looseObject({ v: z.literal(1), record: z.string() });
/** Lets fields of a newer build pass, like that of imports. */
const storedSchema = promotionRecordSchema.strip();
const openRowSchema = z.object({
  v: z.literal(1),
  rowKey: importIdSchema,
  attempt: z.int(),
  createdAt: z.string(),
  isForgotten: z.boolean().default(false),
});

/** The record as JSON, and beside it the column that lists filter by. */
export const promotionRow: RowCodec<PromotionRecord> = {
  encode: (record): Row => ({
    ...keysOf(record.id),
    v: 1,
    state: record.state,
    ...textColumns("record", JSON.stringify(record)),
  }),
  decode: (row) => storedSchema.parse(JSON.parse(readText(rowSchema.parse(row), "record") ?? "null")),
};

/** `isForgotten`: its items are being deleted, and whoever comes now must wait until that is done. */
function encodeOpen({ id, attempt, createdAt }: OpenPromotion, isForgotten: boolean): Row {
  return { ...openKeysOf(id), v: 1, attempt, createdAt, isForgotten };
}

function decodeOpen(row: unknown): OpenPromotion & { readonly isForgotten: boolean } {
  const { rowKey, attempt, createdAt, isForgotten } = openRowSchema.parse(row);
  return { id: rowKey, attempt, createdAt, isForgotten };
}

/** Promotions are few: all records in one partition, in the order of their ids. */
const partitions = { records: "promotion", open: "open" } as const;

function keysOf(id: ImportId): RowKeys {
  return { partitionKey: partitions.records, rowKey: id };
}

function openKeysOf(id: ImportId): RowKeys {
  return { partitionKey: partitions.open, rowKey: id };
}
