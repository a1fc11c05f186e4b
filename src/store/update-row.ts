import { contended } from "./storage-errors.ts";
import type { Row, RowKeys, Table } from "./table.ts";

/** How a table's file turns its values into rows and back; `decode` accepts every version ever written. */
export interface RowCodec<T> {
  readonly encode: (value: T) => Row;
  readonly decode: (row: unknown) => T;
}

/** A change of one row. */
export interface UpdateRow<T> {
  readonly table: Table;
  readonly key: RowKeys;
  readonly codec: RowCodec<T>;
  /** Pure: it is called again on what another writer left. undefined or the same value: there is nothing to do. */
  readonly change: (value: T) => T | undefined;
}

/** A value together with the ETag it was read or written under. */
export interface Versioned<T> {
  readonly value: T;
  readonly etag: string;
}

const maxTries = 12;

/** Read, decide, write with the ETag that was read, on a conflict again. The value after, or undefined: no such row. */
export async function updateRow<T>({ table, key, codec, change }: UpdateRow<T>): Promise<Versioned<T> | undefined> {
  for (let tries = 0; tries < maxTries; tries += 1) {
    const stored = await table.read(key);
    if (!stored) return undefined;
    const before = { value: codec.decode(stored.row), etag: stored.etag };
    const value = change(before.value);
    if (value === undefined || value === before.value) return before;
    const written = await table.replace(codec.encode(value), before.etag);
    if (written !== "conflict") return { value, etag: written.etag };
  }
  throw contended(table.name);
}
