import type { BatchAction, BatchOutcome, Row, Table } from "./table.ts";

const maxActions = 100;
const maxBatchBytes = 3.5 * 1024 * 1024; // of 4 MiB: the rest is for the parts' own headers
const batchesAtOnce = 4;

/**
 * Writes actions on one partition in as few batches as the service allows. The last action on a row wins: a batch with
 * the same row twice is refused as a whole. Anything but `done`: of one batch at least, which has changed nothing.
 */
export async function writeBatches(table: Table, actions: readonly BatchAction[]): Promise<BatchOutcome> {
  const batches = splitBatches(actions);
  let outcome: BatchOutcome = "done";
  for (let start = 0; start < batches.length; start += batchesAtOnce) {
    const outcomes = await Promise.all(
      batches.slice(start, start + batchesAtOnce).map((batch) => writeBatch(table, batch)),
    );
    outcome = outcomes.find((one) => one !== "done") ?? outcome;
  }
  return outcome;
}

/** The batches that {@link writeBatches} sends. */
export function splitBatches<Action extends BatchAction>(actions: readonly Action[]): readonly (readonly Action[])[] {
  const lastOfRow = new Map(actions.map((action) => [rowKeyOf(action), action]));
  const batches: Action[][] = [];
  let current: Action[] = [];
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
export async function writeBatch(table: Table, batch: readonly BatchAction[]): Promise<BatchOutcome> {
  const [first] = batch;
  if (!first || batch.length > 1) return table.batch(batch);
  switch (first.kind) {
    case "insert":
      return (await table.insert(first.row)) === "exists" ? "exists" : "done";
    case "upsert":
      await table.upsert(first.row);
      return "done";
    case "merge":
      if (first.etag !== undefined) return table.batch(batch);
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
