import type { HttpRequest } from "@azure/functions";
import type { z } from "zod";
import { type ImportId, importIdSchema } from "../../domain/import-id.ts";
import { ImportError } from "../../errors.ts";
import { readShape } from "./read-shape.ts";

/** The query parameters by schema; unknown ones are refused like unknown properties. Throws INVALID_REQUEST. */
export function readQuery<Query>(request: HttpRequest, schema: z.ZodType<Query>): Query {
  const given = [...request.query].filter(([name]) => name !== "code"); // the function key may come that way
  return readShape(schema, Object.fromEntries(given), "the query");
}

/** The import id of the route. Throws IMPORT_NOT_FOUND for what cannot be one. */
export function readImportId(request: HttpRequest): ImportId {
  const id = request.params.id ?? "";
  const parsed = importIdSchema.safeParse(id.toUpperCase());
  if (parsed.success) return parsed.data;
  throw importNotFound(id.slice(0, 40));
}

export function importNotFound(id: string): ImportError {
  return new ImportError({ code: "IMPORT_NOT_FOUND", what: `there is no import ${id}` });
}
