import type { BatchAction, Row, Table } from "./table.ts";

const maxActions = 100;
const maxBatchBytes = 3.5 * 1024 * 1024; // of 4 MiB: the rest is for the parts' own headers
const batchesAtOnce = 4;

/**
 * Writes actions on one partition in as few batches as the service allows. The last action on a row wins: a batch with
 * the same row twice is refused as a whole. `missing`: a row to be merged was not there; its batch has changed nothing.
 */
export async function writeBatches(table: Table, actions: readonly BatchAction[]): Promise<"done" | "missing"> {
  const batches = splitBatches(actions);
  let outcome: "done" | "missing" = "done";
  for (let start = 0; start < batches.length; start += batchesAtOnce) {
    const outcomes = await Promise.all(
      batches.slice(start, start + batchesAtOnce).map((batch) => writeBatch(table, batch)),
    );
    if (outcomes.includes("missing")) outcome = "missing";
  }
  return outcome;
}

/** The batches that {@link writeBatches} sends. */
export function splitBatches(actions: readonly BatchAction[]): readonly (readonly BatchAction[])[] {
  const lastOfRow = new Map(actions.map((action) => [rowKeyOf(action), action]));
  const batches: BatchAction[][] = [];
  let current: BatchAction[] = [];
  let currentBytes = 0;
  for (const action of lastOfRow.values()) {
    const actionBytes = encodedBytes(action);
    if (current.length === maxActions || (current.length > 0 && currentBytes + actionBytes > maxBatchBytes)) {
      batches.push(current);
      current = [];
      currentBytes = 0;
    }
    current.push(action);
    currentBytes += actionBytes;
  }
  if (current.length > 0) batches.push(current);
  return batches;
}

/** One action alone goes without the envelope of a batch. */
async function writeBatch(table: Table, batch: readonly BatchAction[]): Promise<"done" | "missing"> {
  const [first] = batch;
  if (!first || batch.length > 1) return table.batch(batch);
  switch (first.kind) {
    case "upsert":
      await table.upsert(first.row);
      return "done";
    case "merge":
      return (await table.merge(first.row)) ? "done" : "missing";
    default:
      await table.delete(first.key);
      return "done";
  }
}

function rowKeyOf(action: BatchAction): string {
  return action.kind === "delete" ? action.key.rowKey : action.row.rowKey;
}

const envelopeBytes = 700; // boundary, request line with both keys, headers
const columnBytes = 48;

/** An upper estimate of what an action takes in the body of a batch: JSON in UTF-8, bytes in base64. */
function encodedBytes(action: BatchAction): number {
  if (action.kind === "delete") return envelopeBytes;
  const row: Row = action.row;
  let bytes = envelopeBytes;
  for (const [name, value] of Object.entries(row)) {
    bytes += name.length * 2 + columnBytes;
    if (typeof value === "string") bytes += Buffer.byteLength(JSON.stringify(value));
    else if (value instanceof Uint8Array) bytes += Math.ceil(value.byteLength / 3) * 4;
  }
  return bytes;
}
