import { z } from "zod";
import { type ImportId, importIdSchema } from "../domain/import-id.ts";
import { type PromotionItem, promotionItemSchema } from "../domain/promotion-item.ts";
import { itemStateSchema } from "../domain/promotion-record.ts";
import { readText, textColumns } from "./columns.ts";
import type { Row, RowKeys, StoredRow } from "./table.ts";
import type { RowCodec } from "./update-row.ts";

const integer = z.union([z.int(), z.bigint()]).transform(Number);

const rowSchema = z.looseObject({
  v: z.literal(1),
  partitionKey: importIdSchema,
  rowKey: z.string(),
  attempt: z.int(),
  state: itemStateSchema,
  importId: importIdSchema,
  importAttempt: z.int(),
  queuedAt: z.string().optional(),
  item: z.string(),
});

/** What counts and lists filter by has columns of its own, which a merge changes alone; the rest is JSON. */
export const itemRow: RowCodec<PromotionItem> = {
  encode: ({ v, promotion, key, attempt, state, importId, importAttempt, queuedAt, ...rest }): Row => ({
    ...itemKeys(promotion, key),
    v,
    attempt,
    state,
    importId,
    importAttempt,
    ...(queuedAt !== undefined && { queuedAt }),
    ...(rest.result && {
      finishedAt: rest.result.finishedAt,
      bytesCopied: BigInt(rest.result.bytes.copied),
      bytesMounted: BigInt(rest.result.bytes.mounted),
      bytesSkipped: BigInt(rest.result.bytes.skipped),
    }),
    ...textColumns("item", JSON.stringify(rest)),
  }),
  decode: (row) => {
    const columns = rowSchema.parse(row);
    const { v, partitionKey: promotion, rowKey: key, attempt, state, importId, importAttempt, queuedAt } = columns;
    const rest = z.looseObject({}).parse(JSON.parse(readText(columns, "item") ?? "null"));
    return promotionItemSchema.parse({
      ...{ ...rest, v, promotion, key, attempt, state, importId, importAttempt },
      ...(queuedAt !== undefined && { queuedAt }),
    });
  },
};

/** Of an item, what is needed to move it on. */
const itemMarkSchema = z.object({
  rowKey: z.string(),
  attempt: z.int(),
  state: itemStateSchema,
  importId: importIdSchema,
  queuedAt: z.string().optional(),
});
export interface ItemMark extends Readonly<Omit<z.infer<typeof itemMarkSchema>, "rowKey">> {
  readonly key: string;
  readonly etag: string;
}
export const markColumns = ["partitionKey", "rowKey", "attempt", "state", "importId", "queuedAt"];

export function decodeMark({ row, etag }: StoredRow): ItemMark {
  const { rowKey, ...mark } = itemMarkSchema.parse(row);
  return { key: rowKey, ...mark, etag };
}

const tallySchema = z.object({
  state: itemStateSchema,
  finishedAt: z.string().optional(),
  bytesCopied: integer.default(0),
  bytesMounted: integer.default(0),
  bytesSkipped: integer.default(0),
});
export const tallyColumns = Object.keys(tallySchema.shape);

/** Of an item, what is counted. */
export function decodeTally(row: unknown) {
  const {
    state,
    finishedAt,
    bytesCopied: copied,
    bytesMounted: mounted,
    bytesSkipped: skipped,
  } = tallySchema.parse(row);
  return { state, finishedAt, copied, mounted, skipped };
}
export type ItemTally = ReturnType<typeof decodeTally>;

export function itemKeys(promotion: ImportId, key: string): RowKeys {
  return { partitionKey: promotion, rowKey: key };
}
