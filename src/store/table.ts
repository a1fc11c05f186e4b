import type { TableClient, TransactionAction } from "@azure/data-tables";
import { z } from "zod";
import { ImportError, scrub } from "../errors.ts";
import { parseJson } from "../json.ts";
import { createOnce } from "./once.ts";
import { classify, headersOf, type Refusal, toStorageError } from "./storage-errors.ts";

/** What names a row in its table. */
export interface RowKeys {
  readonly partitionKey: string;
  readonly rowKey: string;
}

/** What a column may hold; a bigint is stored as Edm.Int64, a Date never: times are ISO text. */
export type ColumnValue = string | number | bigint | boolean | Uint8Array;

/** Column values by name; nobody but the table's own file knows the names. */
export type Row = RowKeys & Readonly<Record<string, ColumnValue>>;

/** A row as it was read: a codec decides what it is. */
export interface StoredRow {
  readonly row: Readonly<Record<string, unknown>>;
  readonly etag: string;
}

/** Which rows, and what of them. */
export interface RowQuery {
  /** OData filter, made with {@link filterText} for anything that comes from outside; empty: every row. */
  readonly filter: string;
  /** Columns to be read; all when absent. */
  readonly select?: readonly string[];
}

/** What one request of a query answers, in order of the keys. */
export interface RowPage {
  readonly rows: readonly StoredRow[];
  /** There may be more: goes into the next call. Opaque, safe in a URL. */
  readonly continuationToken: string | undefined;
}

/**
 * One write of a batch. `merge` wants a row that is there, and unchanged since `etag` was read if that is given; `insert`
 * wants none; `upsert` and `delete` do not mind.
 */
export type BatchAction =
  | { readonly kind: "insert"; readonly row: Row }
  | { readonly kind: "upsert"; readonly row: Row }
  | { readonly kind: "merge"; readonly row: Row; readonly etag?: string }
  | { readonly kind: "delete"; readonly key: RowKeys };

/**
 * One table. Every method is one storage transaction, `query` one per page. What a caller can decide on is
 * returned; storage that does not answer throws STORAGE_UNAVAILABLE, retryable.
 */
export interface Table {
  readonly name: string;
  readonly read: (key: RowKeys, select?: readonly string[]) => Promise<StoredRow | undefined>;
  /** With the server's clock at the time of the read, 1 s fine: leases are judged by it. */
  readonly readTimed: (key: RowKeys) => Promise<{ found: StoredRow | undefined; serverTime: Date | undefined }>;
  readonly insert: (row: Row) => Promise<{ readonly etag: string } | "exists">;
  /** Replaces the whole row. `conflict`: it has changed since `etag` was read, or is gone. */
  readonly replace: (row: Row, etag: string) => Promise<{ readonly etag: string } | "conflict">;
  /** Replaces or inserts, whatever is there. */
  readonly upsert: (row: Row) => Promise<void>;
  /** Sets the given columns of a row, and leaves the others; false: there is no such row. */
  readonly merge: (row: Row) => Promise<boolean>;
  /** `conflict`: the row has changed since `etag` was read. A row that is gone already is deleted. */
  readonly delete: (key: RowKeys, etag?: string) => Promise<"deleted" | "conflict">;
  readonly page: (query: RowQuery, limit: number, continuationToken: string | undefined) => Promise<RowPage>;
  readonly query: (query: RowQuery) => AsyncIterable<StoredRow>;
  /**
   * What `decode` makes of rows, for lists: a row of another version or writer is left out and told of, since it must not
   * hide all the others.
   */
  readonly readable: <T>(rows: readonly StoredRow[], decode: (stored: StoredRow) => T) => readonly T[];
  /** All or nothing; one partition, at most 100 actions and 4 MiB. */
  readonly batch: (actions: readonly BatchAction[]) => Promise<BatchOutcome>;
}

/** `missing`, `exists`, `conflict`: what one of the rows was, so that nothing has been written. */
export type BatchOutcome = "done" | "missing" | "exists" | "conflict";

/** A row that a list leaves out. */
export interface UnreadableRow extends RowKeys {
  readonly table: string;
  readonly error: string;
}

/** A text as OData filters quote it; whatever it holds, it stays one value. */
export function filterText(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

const maxPageRows = 1_000; // the service's own limit
const maxErrorChars = 500; // of a row that cannot be read

/** One call with all its repeats; also the bound for a body that stops in the middle. */
const callTimeoutMs = 30_000;

/** The table behind `client`; it is created at its first use. `name` is what errors call it. */
export function createTable(client: TableClient, name: string, onUnreadable: (row: UnreadableRow) => void): Table {
  const ensure = createOnce(async () => {
    await client.createTable({ abortSignal: AbortSignal.timeout(callTimeoutMs) });
  });

  /** Runs `call` on a table that exists, and turns what it throws into an ImportError or a value. */
  async function run<T, E>(call: (abortSignal: AbortSignal) => Promise<T>, onRefused: Refusals<E>): Promise<T | E> {
    for (let isSecondTry = false; ; isSecondTry = true) {
      try {
        await ensure.done();
        return await call(AbortSignal.timeout(callTimeoutMs));
      } catch (thrown) {
        const refusal = classify(thrown);
        if (refusal === "no-table" && !isSecondTry) {
          ensure.reset(); // somebody deleted it under us
          continue;
        }
        const decide = onRefused[refusal];
        if (decide) return decide(thrown);
        throw toStorageError(thrown, { kind: "table", name });
      }
    }
  }

  const page: Table["page"] = (query, limit, continuationToken) =>
    run(
      async (abortSignal) => {
        const pages = client.listEntities({ queryOptions: queryOptions(query), abortSignal }).byPage({
          maxPageSize: Math.min(limit, maxPageRows),
          ...(continuationToken !== undefined && { continuationToken: decodeToken(continuationToken) }),
        });
        const { value } = await pages.next();
        const rows: StoredRow[] = (value ?? []).map(toStoredRow);
        return { rows, continuationToken: encodeToken(value?.continuationToken) };
      },
      continuationToken === undefined ? {} : { "bad-request": refuseToken },
    );

  return {
    name,
    read: async ({ partitionKey, rowKey }, select) =>
      run(
        async (abortSignal) =>
          toStoredRow(
            await client.getEntity(partitionKey, rowKey, {
              abortSignal,
              ...(select && { queryOptions: { select: [...select] } }),
            }),
          ),
        { missing: () => undefined },
      ),
    readTimed: ({ partitionKey, rowKey }) =>
      run(
        async (abortSignal) => {
          let serverTime: Date | undefined;
          const onResponse = ({ headers }: { headers: { get: (header: string) => string | undefined } }) => {
            serverTime = parseDate(headers.get("date"));
          };
          const found = toStoredRow(await client.getEntity(partitionKey, rowKey, { abortSignal, onResponse }));
          return { found, serverTime };
        },
        { missing: (thrown) => ({ found: undefined, serverTime: parseDate(headersOf(thrown)?.get("date")) }) },
      ),
    insert: (row) =>
      run(async (abortSignal) => ({ etag: etagOf(await client.createEntity(row, { abortSignal })) }), {
        exists: () => "exists" as const,
      }),
    replace: (row, etag) =>
      run(async (abortSignal) => ({ etag: etagOf(await client.updateEntity(row, "Replace", { etag, abortSignal })) }), {
        conflict: () => "conflict" as const,
        missing: () => "conflict" as const,
      }),
    upsert: async (row) => {
      await run((abortSignal) => client.upsertEntity(row, "Replace", { abortSignal }), {});
    },
    merge: (row) =>
      run(
        async (abortSignal) => {
          await client.updateEntity(row, "Merge", { abortSignal });
          return true;
        },
        { missing: () => false },
      ),
    delete: ({ partitionKey, rowKey }, etag) =>
      run(
        async (abortSignal) => {
          await client.deleteEntity(partitionKey, rowKey, { abortSignal, ...(etag !== undefined && { etag }) });
          return "deleted" as const;
        },
        { conflict: () => "conflict" as const, missing: () => "deleted" as const },
      ),
    page,
    query: async function* (query) {
      let continuationToken: string | undefined;
      do {
        const next = await page(query, maxPageRows, continuationToken);
        yield* next.rows;
        continuationToken = next.continuationToken;
      } while (continuationToken !== undefined);
    },
    readable: (rows, decode) =>
      rows.flatMap((stored) => {
        try {
          return [decode(stored)];
        } catch (thrown) {
          const { partitionKey, rowKey } = stored.row;
          const error = scrub(String(thrown).slice(0, maxErrorChars));
          onUnreadable({ table: name, partitionKey: String(partitionKey), rowKey: String(rowKey), error });
          return [];
        }
      }),
    batch: (actions) =>
      run(
        async (abortSignal) => {
          await client.submitTransaction(actions.map(toTransactionAction), { abortSignal });
          return "done" as const;
        },
        { missing: () => "missing" as const, exists: () => "exists" as const, conflict: () => "conflict" as const },
      ),
  };
}

type Refusals<E> = { readonly [K in Refusal]?: (thrown: unknown) => E };

function queryOptions({ filter, select }: RowQuery) {
  return { ...(filter !== "" && { filter }), ...(select && { select: [...select] }) };
}

function toTransactionAction(action: BatchAction): TransactionAction {
  switch (action.kind) {
    case "insert":
      return ["create", action.row];
    case "upsert":
      return ["upsert", action.row, "Replace"];
    case "merge":
      return ["update", action.row, "Merge", { etag: action.etag ?? "*" }];
    default:
      return ["delete", { ...action.key }];
  }
}

/** A selected column that a row does not have is answered as null by some servers: here it is absent. */
function toStoredRow(entity: Record<string, unknown> & { etag: string }): StoredRow {
  const { etag, ...columns } = entity;
  const row = Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== null && value !== undefined));
  return { row, etag };
}

function etagOf({ etag }: { etag?: string }): string {
  if (etag === undefined) throw new Error("Table Storage answered a write without an ETag");
  return etag;
}

function parseDate(text: string | undefined): Date | undefined {
  const date = new Date(text ?? "");
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** The SDK's token is base64 of two keys: base64url goes through a query string unharmed. */
function encodeToken(token: string | undefined): string | undefined {
  return token === undefined ? undefined : Buffer.from(token, "base64").toString("base64url");
}

const tokenSchema = z.object({ nextPartitionKey: z.string(), nextRowKey: z.string().optional() });

/** What the SDK takes, or INVALID_REQUEST: a token comes back from the caller of the API, who may have changed it. */
function decodeToken(token: string): string {
  const text = Buffer.from(token, "base64url").toString();
  if (!tokenSchema.safeParse(parseJson(text)).success) refuseToken();
  return Buffer.from(text).toString("base64");
}

function refuseToken(): never {
  throw new ImportError({
    code: "INVALID_REQUEST",
    what: "the continuation token is not one of this list's",
    hint: "leave it out to start from the newest",
    property: "continuationToken",
  });
}
