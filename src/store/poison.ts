import { z } from "zod";
import { type ImportId, importIdSchema } from "../domain/import-id.ts";
import { type ImportErrorWire, keptErrorSchema } from "../errors.ts";
import { readText, textColumns } from "./columns.ts";
import { deleteOldRows } from "./old-rows.ts";
import type { TableAccess } from "./storage-client.ts";
import type { Row, RowKeys } from "./table.ts";

/** A message that was given up. */
export interface PoisonEntry {
  /** Of the import or promotion that the message was to begin; where that is unknown, one made of the message. */
  readonly id: ImportId;
  /** When it was given up, ISO. */
  readonly createdAt: string;
  /** The message without passwords. */
  readonly body: string;
  /** The end of the body is missing. */
  readonly isCut: boolean;
  readonly reason: ImportErrorWire;
  /** Of the import or promotion, where it is known. */
  readonly importId?: ImportId;
  /** How often it was delivered. */
  readonly dequeueCount: number;
}

/** An entry and the ETag that it was read under. */
export interface StoredPoison {
  readonly entry: PoisonEntry;
  readonly etag: string;
}

export interface PoisonPage {
  /** Those of the newest causes first. */
  readonly entries: readonly PoisonEntry[];
  readonly continuationToken: string | undefined;
}

/** Table `Poison`: one row per given-up message. */
export interface Poison {
  /** Replaces what is there under that id: a message may be requeued and given up again. */
  readonly upsert: (entry: PoisonEntry) => Promise<void>;
  readonly read: (id: ImportId) => Promise<StoredPoison | undefined>;
  readonly list: (limit: number, continuationToken: string | undefined) => Promise<PoisonPage>;
  /** Deletes what was given up at or before `before`, until `isOver`; how many it were. */
  readonly deleteOld: (before: Date, isOver: () => boolean) => Promise<number>;
  /** `conflict`: with `etag`, it has changed since. */
  readonly delete: (id: ImportId, etag?: string) => Promise<"deleted" | "conflict">;
}

/** Opens table `Poison`. */
export function createPoison(access: TableAccess): Poison {
  const table = access.table("Poison");
  return {
    upsert: (entry) => table.upsert(poisonRow.encode(entry)),
    read: async (id) => {
      const stored = await table.read(keysOf(id));
      return stored && { entry: poisonRow.decode(stored.row), etag: stored.etag };
    },
    list: async (limit, continuationToken) => {
      const page = await table.page({ filter: "" }, limit, continuationToken);
      return {
        entries: table.readable(page.rows, ({ row }) => poisonRow.decode(row)),
        continuationToken: page.continuationToken,
      };
    },
    deleteOld: (before, isOver) => deleteOldRows(table, "createdAt", before, isOver),
    delete: (id, etag) => table.delete(keysOf(id), etag),
  };
}

const rowSchema = z.looseObject({
  v: z.literal(1),
  rowKey: importIdSchema,
  createdAt: z.string(),
  isCut: z.boolean(),
  reason: z.string().transform((text) => keptErrorSchema.parse(JSON.parse(text))),
  importId: importIdSchema.optional(),
  dequeueCount: z.int(),
});

/** A body may be longer than a column. */
export const poisonRow = {
  encode: ({ id, createdAt, body, isCut, reason, importId, dequeueCount }: PoisonEntry): Row => ({
    ...keysOf(id),
    v: 1,
    createdAt,
    isCut,
    reason: JSON.stringify(reason),
    dequeueCount,
    ...(importId !== undefined && { importId }),
    ...textColumns("body", body),
  }),
  decode: (row: Readonly<Record<string, unknown>>): PoisonEntry => {
    const { rowKey, createdAt, isCut, reason, importId, dequeueCount } = rowSchema.parse(row);
    const body = readText(row, "body") ?? "";
    return { id: rowKey, createdAt, body, isCut, reason, dequeueCount, ...(importId && { importId }) };
  },
};

/** One partition: there are few, and a list over it is in order of the ids. */
function keysOf(id: ImportId): RowKeys {
  return { partitionKey: "poison", rowKey: id };
}
