import { createHash } from "node:crypto";
import { z } from "zod";
import { type ImportId, importIdSchema } from "../domain/import-id.ts";
import { deleteOldRows } from "./old-rows.ts";
import type { TableAccess } from "./storage-client.ts";
import { contended } from "./storage-errors.ts";
import type { Row, RowKeys } from "./table.ts";

/** Somebody's wish that a request has one effect however often it is sent. */
export interface KeyClaim {
  /** Who sends: keys of different callers do not meet. */
  readonly caller: string;
  /** Header `Idempotency-Key`. */
  readonly key: string;
  readonly bodyHash: string;
  /** The import that is begun if the key is new. */
  readonly importId: ImportId;
  readonly now: Date;
}

/** Table `Keys`: which import an Idempotency-Key stands for, for 24 hours. */
export interface Keys {
  /** The import to go on with; `other-body`: the key came with another request before. */
  readonly claim: (claim: KeyClaim) => Promise<{ importId: ImportId; isNew: boolean } | "other-body">;
  /** Deletes keys that are older than 24 hours, until `isOver`; how many it were. */
  readonly deleteExpired: (now: Date, isOver: () => boolean) => Promise<number>;
}

const lifetimeMs = 24 * 3_600_000;
const maxTries = 5;

/** Opens table `Keys`. */
export function createKeys(access: TableAccess): Keys {
  const table = access.table("Keys");
  return {
    claim: async (claim) => {
      const row = encode(claim);
      const mine = { importId: claim.importId, isNew: true };
      for (let tries = 0; tries < maxTries; tries += 1) {
        if ((await table.insert(row)) !== "exists") return mine;
        const stored = await table.read(keysOf(claim));
        if (!stored) continue; // swept just now
        const { importId, bodyHash, createdAt } = rowSchema.parse(stored.row);
        if (claim.now.getTime() - Date.parse(createdAt) < lifetimeMs)
          return bodyHash === claim.bodyHash ? { importId, isNew: importId === claim.importId } : "other-body";
        if ((await table.replace(row, stored.etag)) !== "conflict") return mine;
      }
      throw contended(table.name);
    },
    deleteExpired: (now, isOver) => deleteOldRows(table, "createdAt", new Date(now.getTime() - lifetimeMs), isOver),
  };
}

const rowSchema = z.object({
  v: z.literal(1),
  importId: importIdSchema,
  bodyHash: z.string(),
  createdAt: z.string(), // ISO texts of one length: they sort by time
});

function encode(claim: KeyClaim): Row {
  const { importId, bodyHash, now } = claim;
  return { ...keysOf(claim), v: 1, importId, bodyHash, createdAt: now.toISOString() };
}

/** A hash: caller and key may hold anything, a row's key may not. */
function keysOf({ caller, key }: Pick<KeyClaim, "caller" | "key">): RowKeys {
  const hash = createHash("sha256")
    .update(JSON.stringify([caller, key]))
    .digest("hex");
  return { partitionKey: hash, rowKey: "key" };
}
