import type { Imports } from "../../store/imports.ts";
import { answerImport, type ViewImport } from "../import-answer.ts";
import type { HttpHandler } from "./http-answer.ts";
import { importNotFound, readImportId } from "./read-query.ts";

export interface GetImportDeps {
  readonly imports: Pick<Imports, "read">;
  readonly view: ViewImport;
}

/** `GET /api/imports/{id}` */
export function createGetImport({ imports, view }: GetImportDeps): HttpHandler {
  return async (request) => {
    const id = readImportId(request);
    const stored = await imports.read(id);
    if (stored === undefined) throw importNotFound(id);
    return answerImport(200, await view(stored.record, request), request);
  };
}
