import type { ImportRecord } from "../domain/import-record.ts";
import type { Imports } from "../store/imports.ts";
import type { Open } from "../store/open.ts";
import type { Parts } from "../store/parts.ts";
import type { Secrets } from "../store/secrets.ts";

export interface ForgetImportDeps {
  readonly imports: Pick<Imports, "delete">;
  readonly parts: Pick<Parts, "deleteAll">;
  readonly open: Pick<Open, "delete">;
  readonly secrets: Pick<Secrets, "deleteUntil">;
}

/** Deletes all that is kept of an import that has ended; what it copied stays. */
export type ForgetImport = (record: ImportRecord) => Promise<void>;

/** The record goes last: a repeat ends what broke off. */
export function createForgetImport({ imports, parts, open, secrets }: ForgetImportDeps): ForgetImport {
  return async ({ id, attempt }) => {
    await parts.deleteAll(id);
    await secrets.deleteUntil(id, attempt + 1); // also what a retry has left that broke off
    await open.delete(id, attempt);
    await imports.delete(id);
  };
}
