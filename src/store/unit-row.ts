import { z } from "zod";
import type { ImportId } from "../domain/import-id.ts";
import { type Progress, viaSchema } from "../domain/import-plan.ts";
import type { Row, RowKeys } from "./table.ts";

/** What a running unit has moved so far, as absolute numbers: its writer repeats them as often as it likes. */
export interface UnitBytes {
  readonly copiedBytes: number;
  readonly mountedBytes: number;
  readonly skippedBytes: number;
}

/** What the rows of an import add up to. */
export type PartsSum = Pick<Progress, "manifests" | "blobs" | "bytes">;

/** Key of the row that unit `n` reports to: `u|0007`. */
export function unitKey(importId: ImportId, n: number): RowKeys {
  return { partitionKey: importId, rowKey: `u|${String(n).padStart(4, "0")}` };
}

export function encodeUnit(importId: ImportId, n: number, bytes: UnitBytes): Row {
  return {
    ...unitKey(importId, n),
    v: 1,
    copiedBytes: BigInt(bytes.copiedBytes),
    mountedBytes: BigInt(bytes.mountedBytes),
    skippedBytes: BigInt(bytes.skippedBytes),
  };
}

const summedRowSchema = z.object({
  rowKey: z.string(),
  sizeBytes: z.bigint().optional(),
  state: z.string().optional(),
  via: viaSchema.optional(),
  copiedBytes: z.bigint().optional(),
  mountedBytes: z.bigint().optional(),
  skippedBytes: z.bigint().optional(),
});

/** The columns a sum needs: those of parts and of units, and no content. */
export const sumColumns: readonly string[] = Object.keys(summedRowSchema.shape);

/**
 * Adds up the rows of an import. Bytes are those of blobs: a done one counts by how it came to be there; what units
 * report counts on top, and a unit's report is zero from the moment its blobs are done.
 */
export function sumRows(rows: Iterable<unknown>): PartsSum {
  const manifests = { total: 0, done: 0 };
  const blobs = { total: 0, done: 0 };
  const bytes = { total: 0, copied: 0, mounted: 0, skipped: 0 };
  for (const raw of rows) {
    const row = summedRowSchema.parse(raw);
    const isDone = row.state === "done";
    if (row.rowKey.startsWith("u|")) {
      bytes.copied += Number(row.copiedBytes ?? 0n);
      bytes.mounted += Number(row.mountedBytes ?? 0n);
      bytes.skipped += Number(row.skippedBytes ?? 0n);
    } else if (row.rowKey.startsWith("m|")) {
      manifests.total += 1;
      if (isDone) manifests.done += 1;
    } else {
      const sizeBytes = Number(row.sizeBytes ?? 0n);
      blobs.total += 1;
      bytes.total += sizeBytes;
      if (isDone) {
        blobs.done += 1;
        if (row.via) bytes[row.via] += sizeBytes;
      }
    }
  }
  return { manifests, blobs, bytes };
}
