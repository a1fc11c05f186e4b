import type { ImportId } from "../domain/import-id.ts";
import { ImportError } from "../errors.ts";

/** The record was deleted while something still ran for it. */
export function importGone(id: ImportId): ImportError {
  return new ImportError({ code: "IMPORT_NOT_FOUND", what: `import ${id} was deleted` });
}
