import { z } from "zod";
import { sourceCredentialsSchema } from "../../domain/import-request-schema.ts";
import type { ImportSpec } from "../../domain/import-spec.ts";
import { retried } from "../../domain/import-transitions.ts";
import { ImportError } from "../../errors.ts";
import type { Imports } from "../../store/imports.ts";
import type { Parts } from "../../store/parts.ts";
import type { Secrets } from "../../store/secrets.ts";
import { answerImport, type ViewImport } from "../import-answer.ts";
import type { StartImport } from "../start-import.ts";
import type { DurableHttpHandler } from "./http-answer.ts";
import { readJsonBody } from "./read-body.ts";
import { importNotFound, readImportId, readQuery } from "./read-query.ts";
import { readShape } from "./read-shape.ts";

export interface RetryImportDeps {
  readonly imports: Pick<Imports, "read" | "replace">;
  readonly parts: Pick<Parts, "deleteAll" | "deleteUnits">;
  readonly secrets: Pick<Secrets, "insert" | "delete">;
  readonly startImport: Pick<StartImport, "reopen" | "start">;
  /** Throws HOST_NOT_ALLOWED: the settings may have changed since the import was accepted. */
  readonly assertAllowed: (spec: ImportSpec) => void;
  readonly assertMaySeal: () => void;
  readonly view: ViewImport;
  readonly now: () => Date;
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
export function createRetryImport(deps: RetryImportDeps): DurableHttpHandler {
  const { imports, parts, secrets, startImport, assertAllowed, assertMaySeal, view, now } = deps;
  return async (request, durable) => {
    const id = readImportId(request);
    const { resolve } = readQuery(request, retryQuerySchema);
    const body = await readJsonBody(request);
    const credentials =
      body === undefined ? undefined : readShape(retryBodySchema, body, "the body").source.credentials;
    if (credentials !== undefined) assertMaySeal();
    const stored = await imports.read(id);
    if (stored === undefined) throw importNotFound(id);
    const record = retried(stored.record, now(), {
      credentials: credentials === undefined ? "absent" : "given",
      digest: resolve === "true" ? "resolve" : "keep",
    });
    assertAllowed(record.spec);
    // The Open row comes first, for the sweep; then secrets: whatever is Accepted can sign in.
    await startImport.reopen(record);
    if (credentials !== undefined) {
      await secrets.delete(id);
      await secrets.insert(id, credentials);
    }
    if ((await imports.replace({ record, etag: stored.etag })) === "conflict") throw beaten(id);
    // Parts of what a tag pointed to before would be counted as parts of what it points to now.
    await (resolve === "true" ? parts.deleteAll(id) : parts.deleteUnits(id));
    await startImport.start({ importId: id, attempt: record.attempt }, durable);
    return answerImport(202, await view(record, request), request);
  };
}

function beaten(id: string): ImportError {
  return new ImportError({
    code: "IMPORT_STATE_CONFLICT",
    what: `import ${id} changed while it was to be retried`,
    hint: "look at its state, then try again",
  });
}
