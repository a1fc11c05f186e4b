import { z } from "zod";
import { filterText, type Table } from "./table.ts";

const keysSchema = z.object({ partitionKey: z.string(), rowKey: z.string() });
const pageLength = 100;

/**
 * Deletes the rows whose `column`, an ISO time in UTC, is at or before `before`, until `isOver`, which is asked after
 * each page; how many it were. With the ETag that was read: what is written anew in this moment stays.
 *
 * Only the absence of a continuation token says that there are no more: a filter on a column that is no key is answered
 * with few rows or none where storage has looked at others for too long.
 * Source: Table Storage REST API, "Query timeout and pagination".
 */
export async function deleteOldRows(
  table: Pick<Table, "page" | "delete">,
  column: string,
  before: Date,
  isOver: () => boolean,
): Promise<number> {
  const filter = `${column} le ${filterText(before.toISOString())}`; // such texts are of one length: they sort by time
  let count = 0;
  let token: string | undefined;
  do {
    const page = await table.page({ filter, select: ["partitionKey", "rowKey"] }, pageLength, token);
    for (const { row, etag } of page.rows) {
      if ((await table.delete(keysSchema.parse(row), etag)) === "deleted") count += 1;
    }
    token = page.continuationToken;
  } while (token !== undefined && !isOver());
  return count;
}
