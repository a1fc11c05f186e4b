import { z } from "zod";
import { sourceCredentialsSchema } from "../../domain/import-request-schema.ts";
import type { Imports } from "../../store/imports.ts";
import { answerImport, type ViewImport } from "../import-answer.ts";
import type { RetryAttempt } from "../retry-attempt.ts";
import type { DurableHttpHandler } from "./http-answer.ts";
import { readJsonBody } from "./read-body.ts";
import { importNotFound, readImportId, readQuery } from "./read-query.ts";
import { readShape } from "./read-shape.ts";

export interface RetryImportDeps {
  readonly imports: Pick<Imports, "read">;
  readonly retry: RetryAttempt;
  readonly assertMaySeal: () => void;
  readonly view: ViewImport;
}

export const retryBodySchema = z
  .strictObject({
    source: z.strictObject({ credentials: sourceCredentialsSchema }),
  })
  .meta({ id: "RetryRequest", description: "Credentials for the source: those of the first request are gone." });

export const retryQuerySchema = z.strictObject({
  resolve: z.enum(["true", "false"]).default("false").describe("Start from the tag again, not from its digest."),
});

/** `POST /api/imports/{id}/retry`: another attempt of an import that failed or was cancelled, reusing what is there. */
export function createRetryImport({ imports, retry, assertMaySeal, view }: RetryImportDeps): DurableHttpHandler {
  return async (request, durable) => {
    const id = readImportId(request);
    const { resolve } = readQuery(request, retryQuerySchema);
    const body = await readJsonBody(request);
    const credentials =
      body === undefined ? undefined : readShape(retryBodySchema, body, "the body").source.credentials;
    if (credentials !== undefined) assertMaySeal();
    const stored = await imports.read(id);
    if (stored === undefined) throw importNotFound(id);
    const digest = resolve === "true" ? "resolve" : "keep";
    const record = await retry(stored, { digest, credentials }, durable);
    return answerImport(202, await view(record, request), request);
  };
}
