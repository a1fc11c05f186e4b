import { z } from "zod";
import type { ImportId } from "../domain/import-id.ts";
import { sourceCredentialsSchema } from "../domain/import-request-schema.ts";
import { attemptOfSecret, firstSecretRow, type SecretRow } from "../domain/secret-row.ts";
import type { SourceCredentials } from "../domain/sign-in.ts";
import { ImportError } from "../errors.ts";
import { bytesColumns, readBytes } from "./columns.ts";
import type { Sealer } from "./sealing.ts";
import type { TableAccess } from "./storage-client.ts";
import { filterText, type RowKeys } from "./table.ts";

/** Table `Secrets`: the source's credentials that a request brought, sealed, until the attempt ends that they are for. */
export interface Secrets {
  /** Keeps what is there already. INVALID_REQUEST: there is no key to seal with. */
  readonly insert: (row: SecretRow, credentials: SourceCredentials) => Promise<void>;
  /** undefined: there are none. CREDENTIALS_REQUIRED: there are, but no key opens them any more. */
  readonly read: (row: SecretRow) => Promise<SourceCredentials | undefined>;
  /** Puts other credentials in the place of those that are there; false: they are gone. */
  readonly replace: (row: SecretRow, credentials: SourceCredentials) => Promise<boolean>;
  readonly delete: (row: SecretRow) => Promise<void>;
  /** Those of this attempt and of all before, also of retries that somebody was faster than. */
  readonly deleteUntil: (importId: ImportId, attempt: number) => Promise<void>;
}

/** Opens table `Secrets`. */
export function createSecrets(access: TableAccess, sealer: Sealer): Secrets {
  const table = access.table("Secrets");
  const encode = (keys: RowKeys, credentials: SourceCredentials) => {
    const sealed = sealer.seal(JSON.stringify(credentials), placeOf(keys));
    return { ...keys, v: 1, ...bytesColumns("sealed", sealed) };
  };
  return {
    insert: async (row, credentials) => {
      await table.insert(encode(keysOf(row), credentials));
    },
    read: async (row) => {
      const keys = keysOf(row);
      const stored = await table.read(keys);
      if (!stored) return undefined;
      rowSchema.parse(stored.row);
      const sealed = readBytes(stored.row, "sealed");
      const text = sealed && sealer.open(sealed, placeOf(keys));
      if (text === undefined) throw unreadable();
      return sourceCredentialsSchema.parse(JSON.parse(text));
    },
    replace: async (row, credentials) => {
      const keys = keysOf(row);
      const stored = await table.read(keys, ["rowKey"]);
      if (stored === undefined) return false;
      if ((await table.replace(encode(keys, credentials), stored.etag)) !== "conflict") return true;
      return (await table.read(keys, ["rowKey"])) !== undefined; // the same step runs twice: what the other put is as good
    },
    delete: async (row) => {
      await table.delete(keysOf(row));
    },
    deleteUntil: async (importId, attempt) => {
      if (attempt === 1) {
        await table.delete(keysOf(firstSecretRow(importId))); // the only one, and most imports have no other attempt
        return;
      }
      const filter = `PartitionKey eq ${filterText(importId)}`;
      for await (const { row } of table.query({ filter, select: ["rowKey"] })) {
        const { rowKey } = keySchema.parse(row);
        if (attemptOfSecret(rowKey) <= attempt) await table.delete({ partitionKey: importId, rowKey });
      }
    },
  };
}

const rowSchema = z.object({ v: z.literal(1) });
const keySchema = z.object({ rowKey: z.string() });

function keysOf({ importId, name }: SecretRow): RowKeys {
  return { partitionKey: importId, rowKey: name };
}

function placeOf({ partitionKey, rowKey }: RowKeys): readonly string[] {
  return ["Secrets", partitionKey, rowKey];
}

function unreadable(): ImportError {
  return new ImportError({
    code: "CREDENTIALS_REQUIRED",
    side: "source",
    what: "the credentials that came with the request cannot be opened any more: the key has changed",
    hint: "retry the import with source.credentials",
  });
}
