import type { ImportRequest } from "../domain/import-request-schema.ts";
import { answerMs, dryRunMs, getLook, type Look, readAnswer, readLook, type SendCall } from "./api-call.ts";
import {
  type DryRun,
  dryRunSchema,
  type ImportPage,
  type ImportView,
  importPageSchema,
  importViewSchema,
  type PartView,
  partPageSchema,
} from "./api-records.ts";
import type { SourceCredentials } from "./import-request.ts";
import { everyPage } from "./pages.ts";

export type ImportLook = Look<ImportView>;
export type ApiClient = ReturnType<typeof createApiClient>;

/** What the HTTP API does with imports, as functions. Each sends one request and throws as {@link SendCall} does. */
export function createApiClient(send: SendCall) {
  const importPath = (id: string) => `/api/imports/${encodeURIComponent(id)}`;
  return {
    /** Starts an import; waits up to `waitSeconds` for its end. */
    async postImport(post: PostImport, signal: AbortSignal): Promise<ImportLook> {
      const query = post.waitSeconds > 0 ? `?wait=${post.waitSeconds}` : "";
      const answer = await send(
        {
          method: "POST",
          path: `/api/imports${query}`,
          body: post.request,
          headers: { "idempotency-key": post.idempotencyKey },
          timeoutMs: answerMs + post.waitSeconds * 1000,
        },
        signal,
      );
      return readLook(importViewSchema, answer);
    },

    /** What an import would do; nothing is written. */
    async planImport(request: ImportRequest, signal: AbortSignal): Promise<DryRun> {
      const body = { ...request, dryRun: true };
      const answer = await send({ method: "POST", path: "/api/imports", body, timeoutMs: dryRunMs }, signal);
      return readAnswer(dryRunSchema, answer);
    },

    async getImport(id: string, etag: string | undefined, signal: AbortSignal): Promise<ImportLook> {
      return getLook(send, importViewSchema, { path: importPath(id), etag }, signal);
    },

    async listImports(query: URLSearchParams, signal: AbortSignal): Promise<ImportPage> {
      return readAnswer(importPageSchema, await send({ method: "GET", path: `/api/imports?${query}` }, signal));
    },

    /** All parts of an import, page by page. */
    listParts(id: string, signal: AbortSignal): AsyncGenerator<PartView> {
      return everyPage(new URLSearchParams({ limit: "1000" }), async (query) => {
        const answer = await send({ method: "GET", path: `${importPath(id)}/parts?${query}` }, signal);
        const { parts, continuationToken } = readAnswer(partPageSchema, answer);
        return { entries: parts, continuationToken };
      });
    },

    async cancelImport(id: string, signal: AbortSignal): Promise<ImportView> {
      return readAnswer(importViewSchema, await send({ method: "POST", path: `${importPath(id)}/cancel` }, signal));
    },

    async retryImport(id: string, retry: RetryImport, signal: AbortSignal): Promise<ImportLook> {
      const { credentials } = retry;
      const body = credentials === undefined ? undefined : { source: { credentials } };
      const path = `${importPath(id)}/retry${retry.reference === "resolve-again" ? "?resolve=true" : ""}`;
      return readLook(importViewSchema, await send({ method: "POST", path, body }, signal));
    },
  };
}

export interface PostImport {
  readonly request: ImportRequest;
  readonly waitSeconds: number;
  readonly idempotencyKey: string;
}

export interface RetryImport {
  readonly reference: "as-resolved" | "resolve-again";
  readonly credentials: SourceCredentials | undefined;
}
