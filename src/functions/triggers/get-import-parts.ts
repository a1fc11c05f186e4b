import { z } from "zod";
import { digestSchema } from "../../digest.ts";
import { viaSchema } from "../../domain/import-plan.ts";
import { targetRepositories } from "../../domain/import-spec.ts";
import type { Imports } from "../../store/imports.ts";
import type { Parts } from "../../store/parts.ts";
import { type HttpHandler, json } from "./http-answer.ts";
import { importNotFound, readImportId, readQuery } from "./read-query.ts";

export interface GetImportPartsDeps {
  readonly imports: Pick<Imports, "read">;
  readonly parts: Pick<Parts, "list">;
}

export const partsQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe("Parts per page."),
  continuationToken: z.string().max(4_000).optional().describe("From the page before."),
});

export const partViewSchema = z
  .strictObject({
    kind: z.enum(["manifest", "blob"]),
    repository: z.string().describe("At the target."),
    digest: digestSchema,
    mediaType: z.string(),
    sizeBytes: z.int(),
    state: z.enum(["pending", "done"]),
    via: viaSchema.optional().describe("How it came to be there."),
    ms: z.number().optional(),
    attempts: z.int().optional(),
    platform: z.string().optional(),
    artifactType: z.string().optional(),
    referrerOf: digestSchema.optional().describe("The manifest that this one belongs to: it travels along."),
    tags: z.array(z.string()).optional().describe("Cosign tags that are to hold it."),
  })
  .meta({ id: "Part" });

export const partPageSchema = z
  .strictObject({ parts: z.array(partViewSchema), continuationToken: z.string().optional() })
  .meta({ id: "PartPage", description: "A page may be short although more follow." });

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
    return json(200, { parts: views, continuationToken: page.continuationToken });
  };
}
