import { z } from "zod";
import { hasEnded } from "../../domain/import-record.ts";
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

export interface RetryImportDeps {
  readonly imports: Pick<Imports, "read" | "replace">;
  readonly parts: Pick<Parts, "deleteUnits">;
  readonly secrets: Pick<Secrets, "insert" | "delete">;
  readonly startImport: StartImport;
  readonly assertMaySeal: () => void;
  readonly view: ViewImport;
  readonly now: () => Date;
}

export const retryBodySchema = z
  .strictObject({
    source: z.strictObject({
      credentials: z.strictObject({ username: z.string().min(1).max(1_024), password: z.string().min(1).max(16_384) }),
    }),
  })
  .meta({ id: "RetryRequest", description: "Credentials for the source: those of the first request are gone." });

export const retryQuerySchema = z.strictObject({
  resolve: z.enum(["true", "false"]).default("false").describe("Start from the tag again, not from its digest."),
});

/** `POST /api/imports/{id}/retry`: another attempt of an import that failed or was cancelled, reusing what is there. */
export function createRetryImport(deps: RetryImportDeps): DurableHttpHandler {
  const { imports, parts, secrets, startImport, assertMaySeal, view, now } = deps;
  return async (request, durable) => {
    const id = readImportId(request);
    const { resolve } = readQuery(request, retryQuerySchema);
    const credentials = parseBody(await readJsonBody(request));
    if (credentials !== undefined) assertMaySeal();
    const stored = await imports.read(id);
    if (stored === undefined) throw importNotFound(id);
    const record = retried(stored.record, now(), {
      credentials: credentials === undefined ? "absent" : "given",
      digest: resolve === "true" ? "resolve" : "keep",
    });
    // Secrets and the Open row come first: whatever is Accepted is swept and can sign in.
    if (credentials !== undefined) {
      await secrets.delete(id);
      await secrets.insert(id, credentials);
    }
    await parts.deleteUnits(id);
    await startImport.reopen(record);
    if ((await imports.replace({ record, etag: stored.etag })) === "conflict") throw beaten(id);
    await startImport.start({ importId: id, attempt: record.attempt }, durable);
    return answerImport(hasEnded(record.state) ? 200 : 202, await view(record, request), request);
  };
}

function parseBody(body: unknown): { readonly username: string; readonly password: string } | undefined {
  if (body === undefined) return undefined;
  const parsed = retryBodySchema.safeParse(body);
  if (parsed.success) return parsed.data.source.credentials;
  const [issue] = parsed.error.issues;
  const property = issue?.path.join(".") ?? "";
  throw new ImportError({
    code: "INVALID_REQUEST",
    stage: "accept",
    what: `${property === "" ? "the body" : property}: ${issue?.message ?? "is not valid"}`,
    hint: 'expected no body or {"source":{"credentials":{"username":"…","password":"…"}}}',
    property,
  });
}

function beaten(id: string): ImportError {
  return new ImportError({
    code: "IMPORT_STATE_CONFLICT",
    what: `import ${id} changed while it was to be retried`,
    hint: "look at its state, then try again",
  });
}
