import { z } from "zod";
import { filterText, type Table } from "./table.ts";

const keysSchema = z.object({ partitionKey: z.string(), rowKey: z.string() });
const deletedAtOnce = 100;

/**
 * Deletes up to 100 rows whose `column`, an ISO time in UTC, is at or before `before`; how many it were. With the ETag
 * that was read: what is written anew in this moment stays.
 */
export async function deleteOldRows(table: Table, column: string, before: Date): Promise<number> {
  const filter = `${column} le ${filterText(before.toISOString())}`; // such texts are of one length: they sort by time
  const { rows } = await table.page({ filter, select: ["partitionKey", "rowKey"] }, deletedAtOnce, undefined);
  for (const { row, etag } of rows) await table.delete(keysSchema.parse(row), etag);
  return rows.length;
}
