import type { Imports, StoredImport } from "../store/imports.ts";
import type { Open } from "../store/open.ts";
import type { Parts } from "../store/parts.ts";
import type { Secrets } from "../store/secrets.ts";

export interface ForgetImportDeps {
  readonly imports: Pick<Imports, "delete">;
  readonly parts: Pick<Parts, "deleteAll">;
  readonly open: Pick<Open, "insert" | "delete">;
  readonly secrets: Pick<Secrets, "deleteUntil">;
  readonly now: () => Date;
}

/**
 * Deletes all that is kept of an import that has ended; what it copied stays. `conflict`: it is not as it was read, and
 * nothing has been deleted.
 */
export type ForgetImport = (stored: StoredImport) => Promise<"forgotten" | "conflict">;

/**
 * The record goes first, by its ETag: a retry that was faster keeps all that is its own, and a slower one finds no
 * record. The open row is there before, so that the sweep finds what a crash leaves of the rest.
 */
export function createForgetImport({ imports, parts, open, secrets, now }: ForgetImportDeps): ForgetImport {
  return async ({ record: { id, attempt }, etag }) => {
    await open.insert({ id, attempt, createdAt: now().toISOString() });
    const outcome = await imports.delete(id, etag);
    if (outcome === "deleted") {
      await parts.deleteAll(id);
      await secrets.deleteUntil(id, attempt + 1); // also what a retry has left that broke off
    }
    await open.delete(id, attempt);
    return outcome === "deleted" ? "forgotten" : "conflict";
  };
}
