import { z } from "zod";
import type { ImportId } from "../domain/import-id.ts";
import { viaSchema } from "../domain/import-plan.ts";
import type { ProgressCounts } from "../domain/progress.ts";
import { keptPrefix } from "./part-row.ts";
import type { Row, RowKeys } from "./table.ts";

/** Bytes a running unit has copied or read again so far, as absolute numbers: its writer repeats them as often as it likes. */
export interface UnitBytes {
  readonly copiedBytes: number;
  readonly verifiedBytes?: number;
}

/** Key of the row that unit `n` reports to: `u|0007`. */
function unitKey(importId: ImportId, n: number): RowKeys {
  return { partitionKey: importId, rowKey: `u|${String(n).padStart(4, "0")}` };
}

/** The row of unit `n`. */
export function encodeUnit(importId: ImportId, n: number, { copiedBytes, verifiedBytes = 0 }: UnitBytes): Row {
  return {
    ...unitKey(importId, n),
    v: 1,
    copiedBytes: BigInt(copiedBytes),
    ...(verifiedBytes > 0 && { verifiedBytes: BigInt(verifiedBytes) }),
  };
}

const partSchema = z.object({
  rowKey: z.string(),
  sizeBytes: z.bigint(),
  state: z.enum(["pending", "done"]),
  via: viaSchema.optional(),
  isVerified: z.literal(true).optional(),
});
const unitSchema = z.object({ rowKey: z.string(), copiedBytes: z.bigint(), verifiedBytes: z.bigint().default(0n) });

/** The columns a sum needs: those of parts and of units, and no content. */
export const sumColumns: readonly string[] = Object.keys({ ...partSchema.shape, ...unitSchema.shape });

/**
 * Adds up all rows of an import. Bytes are those of blobs, counted once they are done by how they came to be there;
 * what units report counts on top.
 */
export function sumRows(rows: Iterable<Readonly<Record<string, unknown>>>): ProgressCounts {
  const manifests = { total: 0, done: 0 };
  const blobs = { total: 0, done: 0 };
  const bytes = { total: 0, copied: 0, mounted: 0, skipped: 0 };
  const verified = { blobs: 0, bytes: 0 };
  for (const row of rows) {
    if (String(row.rowKey).startsWith("u|")) {
      const unit = unitSchema.parse(row);
      bytes.copied += Number(unit.copiedBytes);
      verified.bytes += Number(unit.verifiedBytes);
      continue;
    }
    if (String(row.rowKey).startsWith(keptPrefix)) continue;
    const { rowKey, sizeBytes, state, via, isVerified } = partSchema.parse(row);
    const isBlob = rowKey.startsWith("b|");
    const counts = isBlob ? blobs : manifests;
    counts.total += 1;
    if (state === "done") counts.done += 1;
    if (!isBlob) continue;
    bytes.total += Number(sizeBytes);
    if (state === "done" && via) bytes[via] += Number(sizeBytes);
    if (isVerified) verified.blobs += 1;
    if (isVerified) verified.bytes += Number(sizeBytes);
  }
  verified.bytes = Math.min(verified.bytes, bytes.total); // a unit that is read anew reports anew
  return { manifests, blobs, bytes, ...((verified.blobs > 0 || verified.bytes > 0) && { verified }) };
}
