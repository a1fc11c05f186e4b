import { z } from "zod";
import type { ImportId } from "../domain/import-id.ts";
import type { SourceCredentials } from "../domain/registries.ts";
import { ImportError } from "../errors.ts";
import { bytesColumns, readBytes } from "./columns.ts";
import type { Sealer } from "./sealing.ts";
import type { TableAccess } from "./storage-client.ts";
import type { RowKeys } from "./table.ts";

/** Table `Secrets`: the source's credentials that a request brought, sealed, until the import ends. */
export interface Secrets {
  /** Keeps what is there already. INVALID_REQUEST: there is no key to seal with. */
  readonly insert: (importId: ImportId, credentials: SourceCredentials) => Promise<void>;
  /** undefined: there are none. CREDENTIALS_REQUIRED: there are, but no key opens them any more. */
  readonly read: (importId: ImportId) => Promise<SourceCredentials | undefined>;
  readonly delete: (importId: ImportId) => Promise<void>;
}

/** Opens table `Secrets`. */
export function createSecrets(access: TableAccess, sealer: Sealer): Secrets {
  const table = access.table("Secrets");
  return {
    insert: async (importId, credentials) => {
      const keys = keysOf(importId);
      const sealed = sealer.seal(JSON.stringify(credentials), placeOf(keys));
      await table.insert({ ...keys, v: 1, ...bytesColumns("sealed", sealed) });
    },
    read: async (importId) => {
      const keys = keysOf(importId);
      const stored = await table.read(keys);
      if (!stored) return undefined;
      rowSchema.parse(stored.row);
      const sealed = readBytes(stored.row, "sealed");
      const text = sealed && sealer.open(sealed, placeOf(keys));
      if (text === undefined) throw unreadable();
      return credentialsSchema.parse(JSON.parse(text));
    },
    delete: async (importId) => {
      await table.delete(keysOf(importId));
    },
  };
}

const rowSchema = z.object({ v: z.literal(1) });
const credentialsSchema = z.strictObject({ username: z.string(), password: z.string() });

function keysOf(importId: ImportId): RowKeys {
  return { partitionKey: importId, rowKey: "source" };
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
