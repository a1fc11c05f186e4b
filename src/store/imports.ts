import { z } from "zod";
import { createImportId, type ImportId, importIdSchema } from "../domain/import-id.ts";
import {
  hasEnded,
  type ImportRecord,
  type ImportState,
  importRecordSchema,
  importStateSchema,
  type Trigger,
} from "../domain/import-record.ts";
import type { CountedWindow, ImportSummary } from "../domain/overview.ts";
import { type ErrorCode, keptCodeSchema } from "../errors.ts";
import { readText, textColumns } from "./columns.ts";
import type { TableAccess } from "./storage-client.ts";
import { filterText, type Row, type RowKeys } from "./table.ts";
import { type RowCodec, updateRow } from "./update-row.ts";

/** A record and the ETag it was read or written under: who holds one writes with a single transaction. */
export interface StoredImport {
  readonly record: ImportRecord;
  readonly etag: string;
}

/** Which imports; all conditions hold at once. */
export interface ImportFilter {
  /** Cause of the import at or after this time; `until` before that one. */
  readonly since?: Date;
  readonly until?: Date;
  /** Has ended at or after this time. No key has it: the whole table is looked through. */
  readonly endedSince?: Date;
  readonly state?: ImportState;
  /** Registries' hosts. */
  readonly source?: string;
  readonly target?: string;
  readonly trigger?: Trigger["kind"];
  /** What the import ended with. */
  readonly error?: ErrorCode;
}

/** One page of a list. */
export interface ImportListRequest extends ImportFilter {
  readonly limit: number;
  readonly continuationToken?: string;
}

/** The answer to an {@link ImportListRequest}. */
export interface ImportPage {
  /** Newest first. May be short or empty although there are more. */
  readonly records: readonly ImportRecord[];
  readonly continuationToken: string | undefined;
}

/** Table `Imports`: one row per import. */
export interface Imports {
  /** The record that is there already comes back instead of being touched. */
  readonly insert: (record: ImportRecord) => Promise<"inserted" | ImportRecord>;
  readonly read: (id: ImportId) => Promise<StoredImport | undefined>;
  /** Records by id, in any order; ids that are not there are left out. */
  readonly readMany: (ids: readonly ImportId[]) => Promise<readonly ImportRecord[]>;
  /** The record after `change`, which is pure and may find nothing to do; undefined: there is no such import. */
  readonly update: (
    id: ImportId,
    change: (record: ImportRecord) => ImportRecord | undefined,
  ) => Promise<ImportRecord | undefined>;
  /** Writes over what was read as `etag`; `conflict`: it has changed since. */
  readonly replace: (stored: StoredImport) => Promise<StoredImport | "conflict">;
  /** Reads at most two pages of the table. INVALID_REQUEST: a continuation token that is none. */
  readonly list: (request: ImportListRequest) => Promise<ImportPage>;
  /** A few columns of the imports that were caused or have ended at or after `since`, those caused last first. */
  readonly summarize: (since: Date, maxPages: number) => Promise<Pick<CountedWindow, "summaries" | "countedSince">>;
  /** `conflict`: it has changed since it was read as `etag`. */
  readonly delete: (id: ImportId, etag: string) => Promise<"deleted" | "conflict">;
}

const maxPages = 2;
const pageRows = 1_000; // the most that the service answers at once
const readsAtOnce = 8;

/** Opens table `Imports`. */
export function createImports(access: TableAccess): Imports {
  const table = access.table("Imports");

  const read: Imports["read"] = async (id) => {
    const stored = await table.read(keysOf(id));
    return stored && { record: importRow.decode(stored.row), etag: stored.etag };
  };

  return {
    insert: async (record) => {
      if ((await table.insert(importRow.encode(record))) !== "exists") return "inserted";
      const existing = await read(record.id);
      // Deleted between the two calls: only an ended import can be deleted, so that a new one may begin.
      if (existing) return existing.record;
      await table.upsert(importRow.encode(record));
      return "inserted";
    },
    read,
    readMany: async (ids) => {
      const records: ImportRecord[] = [];
      for (let start = 0; start < ids.length; start += readsAtOnce) {
        const found = await Promise.all(ids.slice(start, start + readsAtOnce).map(read));
        for (const stored of found) if (stored) records.push(stored.record);
      }
      return records;
    },
    update: async (id, change) => {
      const after = await updateRow({ table, key: keysOf(id), codec: importRow, change });
      return after?.value;
    },
    replace: async ({ record, etag }) => {
      const written = await table.replace(importRow.encode(record), etag);
      return written === "conflict" ? "conflict" : { record, etag: written.etag };
    },
    list: async ({ limit, continuationToken, ...filter }) => {
      const records: ImportRecord[] = [];
      const query = { filter: filterOf(filter) };
      let token = continuationToken;
      for (let pages = 0; pages < maxPages && records.length < limit; pages += 1) {
        const page = await table.page(query, limit - records.length, token);
        records.push(...table.readable(page.rows, ({ row }) => importRow.decode(row)));
        token = page.continuationToken;
        if (token === undefined) break;
      }
      return { records, continuationToken: token };
    },
    summarize: async (since, pages) => {
      const summaries: ImportSummary[] = [];
      let read = 0;
      // Those of the window stand together; of older ones those that ended in it are few, and have to be looked for.
      for (const filter of [{ since }, { until: since, endedSince: since }]) {
        const query = { filter: filterOf(filter), select: summaryColumns };
        let token: string | undefined;
        do {
          if (read === pages) {
            const oldest = new Date(summaries.at(-1)?.createdAt ?? since);
            // Of what is older than the window it has come no further than this, or has found nothing yet.
            return { summaries, countedSince: filter.until === undefined || oldest < since ? oldest : since };
          }
          const page = await table.page(query, pageRows, token);
          summaries.push(...table.readable(page.rows, ({ row }) => decodeSummary(row)));
          token = page.continuationToken;
          read += 1;
        } while (token !== undefined);
      }
      return { summaries, countedSince: undefined };
    },
    delete: (id, etag) => table.delete(keysOf(id), etag),
  };
}

const rowSchema = z.looseObject({ v: z.literal(1), spec: z.string(), record: z.string() });
const jsonSchema = z.looseObject({});
/** While a deployment takes turns, instances of the former build read what those of the next one wrote: they let pass what they do not know. */
const storedSchema = importRecordSchema.strip();

/** The record as JSON (the spec apart, both cut at 32k characters), and beside it what lists filter by and overviews count. */
export const importRow: RowCodec<ImportRecord> = {
  encode: (record): Row => {
    const { spec, ...rest } = record;
    return {
      ...keysOf(record.id),
      v: 1,
      state: record.state,
      sourceRegistry: spec.source.registry,
      targetRegistry: spec.target.registry,
      trigger: record.trigger.kind,
      createdAt: record.createdAt,
      ...countedColumns(record),
      ...textColumns("spec", JSON.stringify(spec)),
      ...textColumns("record", JSON.stringify(rest)),
    };
  },
  decode: (row) => {
    const columns = rowSchema.parse(row);
    const parse = (name: string) => jsonSchema.parse(JSON.parse(readText(columns, name) ?? "null"));
    return storedSchema.parse({ ...parse("record"), spec: parse("spec") });
  },
};

/** Of an import that has ended. */
function countedColumns({ state, finishedAt, error, progress }: ImportRecord) {
  if (!hasEnded(state)) return {};
  return {
    ...(finishedAt !== undefined && { finishedAt }),
    ...(error !== undefined && { errorCode: error.code }),
    ...(progress !== undefined && {
      bytesCopied: BigInt(progress.bytes.copied),
      bytesMounted: BigInt(progress.bytes.mounted),
      bytesSkipped: BigInt(progress.bytes.skipped),
    }),
  };
}

const summaryColumns = [
  ...["partitionKey", "rowKey", "state", "createdAt", "finishedAt"],
  ...["errorCode", "bytesCopied", "bytesMounted", "bytesSkipped"],
];
const byteCountSchema = z.bigint().default(0n).transform(Number);
const summaryRowSchema = z.object({
  rowKey: importIdSchema,
  state: importStateSchema,
  createdAt: z.string(),
  finishedAt: z.string().optional(), // of rows from before it was kept: absent
  errorCode: keptCodeSchema.optional(),
  bytesCopied: byteCountSchema,
  bytesMounted: byteCountSchema,
  bytesSkipped: byteCountSchema,
});

function decodeSummary(row: unknown): ImportSummary {
  const columns = summaryRowSchema.parse(row);
  const { rowKey, state, createdAt, finishedAt, errorCode, bytesCopied, bytesMounted, bytesSkipped } = columns;
  const bytes = { copied: bytesCopied, mounted: bytesMounted, skipped: bytesSkipped };
  return { id: rowKey, state, createdAt, finishedAt, errorCode, bytes };
}

const partitionChars = 5; // about 9 hours of ids
const timeChars = 10;
const latestMs = 2 ** 50 - 1;

function keysOf(id: ImportId): RowKeys {
  return { partitionKey: id.slice(0, partitionChars), rowKey: id };
}

/** Ids count down, so "at or after since" is an upper bound of keys; `~` sorts after every character of an id. */
function filterOf({ since, until, endedSince, state, source, target, trigger, error }: ImportFilter): string {
  const conditions: string[] = [];
  const add = (column: string, operator: string, value: string) =>
    conditions.push(`${column} ${operator} ${filterText(value)}`);
  if (since) {
    const last = timeOfId(since);
    add("PartitionKey", "le", last.slice(0, partitionChars));
    add("RowKey", "le", `${last}~`);
  }
  if (until) {
    const first = timeOfId(until);
    add("PartitionKey", "ge", first.slice(0, partitionChars));
    add("RowKey", "gt", `${first}~`);
  }
  if (endedSince) add("finishedAt", "ge", endedSince.toISOString()); // ISO texts of one length sort by time
  if (state) add("state", "eq", state);
  if (source !== undefined) add("sourceRegistry", "eq", source);
  if (target !== undefined) add("targetRegistry", "eq", target);
  if (trigger) add("trigger", "eq", trigger);
  if (error) add("errorCode", "eq", error);
  return conditions.join(" and ");
}

/** What the ids of all that was caused at `time` begin with; they count down, so later ones sort before it. */
export function timeOfId(time: Date): string {
  const ms = Math.min(Math.max(time.getTime(), 0), latestMs);
  return importIdSchema.parse(createImportId(new Date(ms), "")).slice(0, timeChars);
}
