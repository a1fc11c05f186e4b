import { z } from "zod";
import { targetRepositories } from "../../domain/import-spec.ts";
import type { Imports } from "../../store/imports.ts";
import type { Parts } from "../../store/parts.ts";
import { answerTagged } from "../tagged-answer.ts";
import type { HttpHandler } from "./http-answer.ts";
import { importNotFound, readImportId, readQuery } from "./read-query.ts";

export interface GetImportPartsDeps {
  readonly imports: Pick<Imports, "read">;
  readonly parts: Pick<Parts, "list">;
}

export const partsQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe("Parts per page."),
  continuationToken: z.string().max(4_000).optional().describe("From the page before."),
});

/** `GET /api/imports/{id}/parts` */
export function createGetImportParts({ imports, parts }: GetImportPartsDeps): HttpHandler {
  return async (request) => {
    const id = readImportId(request);
    const { limit, continuationToken } = readQuery(request, partsQuerySchema);
    const stored = await imports.read(id);
    if (stored === undefined) throw importNotFound(id);
    const repositories = targetRepositories(stored.record.spec);
    const page = await parts.list(id, limit, continuationToken);
    const views = page.parts.map(({ target, content: _, ...part }) => ({
      repository: repositories[target] ?? "",
      ...part,
    }));
    return answerTagged({ parts: views, continuationToken: page.continuationToken }, request);
  };
}
