import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { TableClient, type TableServiceClientOptions } from "@azure/data-tables";
import type { TokenCredential } from "@azure/identity";
import { createTable, type Table, type UnreadableRow } from "./table.ts";

/** Where the tables are: what `AzureWebJobsStorage` or those settings say that begin with it. */
export type StorageLocation =
  | { readonly connectionString: string }
  | {
      /** e.g. `https://drayagestore.table.core.windows.net` */
      readonly tableUrl: string;
      readonly queueUrl: string;
      readonly credential: TokenCredential;
    };

export interface TableAccessOptions {
  readonly storage: StorageLocation;
  /** Put before every table's name: several apps or tests share one account by it. Letters and digits. */
  readonly tablePrefix: string;
}

/** One request that was sent to storage, a repeat after a failure included: what the account is billed for. */
export interface StorageTransaction {
  readonly method: string;
  /** Path without account, keys in it: `/Imports(PartitionKey='…',RowKey='…')`, or `/$batch`. */
  readonly path: string;
}

/** All tables of one storage account. */
export interface TableAccess {
  /** The table of that name, created at its first use; cheap, no request is made here. */
  readonly table: (name: string) => Table;
  /** How many storage transactions there have been. */
  readonly transactions: () => number;
  /** Counts a transaction of another service of the account, e.g. of its queues. */
  readonly count: (transaction: StorageTransaction) => void;
  /** Calls `listener` before each storage transaction until the returned function is called. */
  readonly onTransaction: (listener: (transaction: StorageTransaction) => void) => () => void;
  /** Calls `listener` with each row that a list leaves out until the returned function is called. */
  readonly onUnreadable: (listener: (row: UnreadableRow) => void) => () => void;
  /** Closes idle connections. */
  readonly close: () => void;
}

/** Time to the response head of one try: a table answers in milliseconds. Repeats end with the call (table.ts). */
const tryTimeoutMs = 10_000;
const retryOptions = { maxRetries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 2_000 } as const;

/** Opens Table Storage by connection string or identity. No request is made before a table is used. */
export function createTableAccess({ storage, tablePrefix }: TableAccessOptions): TableAccess {
  const listeners = new Set<(transaction: StorageTransaction) => void>();
  const unreadable = new Set<(row: UnreadableRow) => void>();
  const tellUnreadable = (row: UnreadableRow): void => {
    for (const listener of unreadable) listener(row);
  };
  let transactions = 0;
  const count = (transaction: StorageTransaction): void => {
    transactions += 1;
    for (const listener of listeners) listener(transaction);
  };
  const isInsecure = "connectionString" in storage && namesHttp(storage.connectionString);
  const agent = isInsecure ? new HttpAgent({ keepAlive: true }) : new HttpsAgent({ keepAlive: true });

  const options: TableServiceClientOptions = {
    allowInsecureConnection: isInsecure, // Azurite, or an operator whose own connection string says http
    retryOptions,
    additionalPolicies: [
      {
        position: "perRetry",
        policy: {
          name: "drayageTransaction",
          sendRequest: (request, next) => {
            count({ method: request.method, path: pathOf(request.url) });
            request.agent = agent;
            request.timeout = tryTimeoutMs;
            return next(request);
          },
        },
      },
    ],
  };
  const tables = new Map<string, Table>();
  return {
    table: (name) => {
      const known = tables.get(name);
      if (known) return known;
      const table = createTable(openClient(storage, `${tablePrefix}${name}`, options), name, tellUnreadable);
      tables.set(name, table);
      return table;
    },
    transactions: () => transactions,
    count,
    onTransaction: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    onUnreadable: (listener) => {
      unreadable.add(listener);
      return () => {
        unreadable.delete(listener);
      };
    },
    close: () => agent.destroy(),
  };
}

function openClient(storage: StorageLocation, tableName: string, options: TableServiceClientOptions): TableClient {
  if ("connectionString" in storage)
    return TableClient.fromConnectionString(storage.connectionString, tableName, { ...options });
  return new TableClient(storage.tableUrl, tableName, storage.credential, options);
}

function namesHttp(connectionString: string): boolean {
  if (/usedevelopmentstorage=true/i.test(connectionString)) return true;
  const endpoint = /(?:^|;)\s*tableendpoint=([^;]*)/i.exec(connectionString)?.[1];
  if (endpoint !== undefined) return /^http:/i.test(endpoint);
  return /(?:^|;)\s*defaultendpointsprotocol=http\s*(?:;|$)/i.test(connectionString);
}

function pathOf(url: string): string {
  const { pathname } = new URL(url);
  return decodeURIComponent(pathname.replace(/^\/devstoreaccount1(?=\/)/, ""));
}
