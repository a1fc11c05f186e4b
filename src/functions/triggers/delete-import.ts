import { hasEnded } from "../../domain/import-record.ts";
import { ImportError } from "../../errors.ts";
import type { Imports } from "../../store/imports.ts";
import type { ForgetImport } from "../forget-import.ts";
import type { HttpHandler } from "./http-answer.ts";
import { importNotFound, readImportId } from "./read-query.ts";

export interface DeleteImportDeps {
  readonly imports: Pick<Imports, "read">;
  readonly forgetImport: ForgetImport;
}

/** `DELETE /api/imports/{id}`: forgets an ended import; what it copied stays. */
export function createDeleteImport({ imports, forgetImport }: DeleteImportDeps): HttpHandler {
  return async (request) => {
    const id = readImportId(request);
    const stored = await imports.read(id);
    if (stored === undefined) throw importNotFound(id);
    if (!hasEnded(stored.record.state)) throw notEnded(id, stored.record.state);
    if ((await forgetImport(stored)) === "conflict") throw changed(id);
    return { status: 204 };
  };
}

function changed(id: string): ImportError {
  return new ImportError({
    code: "IMPORT_STATE_CONFLICT",
    what: `import ${id} changed while it was to be deleted`,
    hint: "look at its state, then try again",
  });
}

function notEnded(id: string, state: string): ImportError {
  return new ImportError({
    code: "IMPORT_STATE_CONFLICT",
    what: `import ${id} is ${state}`,
    hint: "cancel it first, or wait for its end",
  });
}
