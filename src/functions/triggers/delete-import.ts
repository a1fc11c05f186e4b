import { hasEnded } from "../../domain/import-record.ts";
import { ImportError } from "../../errors.ts";
import type { Imports } from "../../store/imports.ts";
import type { Open } from "../../store/open.ts";
import type { Parts } from "../../store/parts.ts";
import type { Secrets } from "../../store/secrets.ts";
import type { HttpHandler } from "./http-answer.ts";
import { importNotFound, readImportId } from "./read-query.ts";

export interface DeleteImportDeps {
  readonly imports: Pick<Imports, "read" | "delete">;
  readonly parts: Pick<Parts, "deleteAll">;
  readonly open: Pick<Open, "delete">;
  readonly secrets: Pick<Secrets, "deleteUntil">;
}

/** `DELETE /api/imports/{id}`: forgets an ended import; what it copied stays. The record goes last: a repeat ends it. */
export function createDeleteImport({ imports, parts, open, secrets }: DeleteImportDeps): HttpHandler {
  return async (request) => {
    const id = readImportId(request);
    const stored = await imports.read(id);
    if (stored === undefined) throw importNotFound(id);
    if (!hasEnded(stored.record.state)) throw notEnded(id, stored.record.state);
    await parts.deleteAll(id);
    await secrets.deleteUntil(id, stored.record.attempt + 1); // also what a retry has left that broke off
    await open.delete(id, stored.record.attempt);
    await imports.delete(id);
    return { status: 204 };
  };
}

function notEnded(id: string, state: string): ImportError {
  return new ImportError({
    code: "IMPORT_STATE_CONFLICT",
    what: `import ${id} is ${state}`,
    hint: "cancel it first, or wait for its end",
  });
}
