import type { HttpRequest, HttpResponseInit } from "@azure/functions";
import { hasEnded, type ImportRecord } from "../domain/import-record.ts";
import { formatImport, type ImportView } from "../domain/import-view.ts";
import { withRate } from "../domain/progress.ts";
import type { Parts } from "../store/parts.ts";
import { baseUrlOf } from "./base-url.ts";
import { createBriefCache } from "./brief-cache.ts";
import { answerTagged, validators } from "./tagged-answer.ts";
import { json } from "./triggers/http-answer.ts";

export interface ImportAnswerDeps {
  readonly parts: Pick<Parts, "sum">;
  readonly now: () => Date;
}

const freshMs = 2_000;
const maxCached = 500;

/**
 * An import as its callers see it: a running one with the sums of its parts, which are at most 2 s old, so that several
 * who watch the same imports cost no more than one.
 */
export function createViewImport({ parts, now }: ImportAnswerDeps) {
  const sums = createBriefCache<Awaited<ReturnType<Parts["sum"]>>>({ now, freshMs, maxEntries: maxCached });
  return async (record: ImportRecord, request: HttpRequest): Promise<ImportView> => {
    const isCopying = !hasEnded(record.state) && record.progress !== undefined;
    if (!isCopying) return formatImport(record, undefined, baseUrlOf(request));
    const { id, attempt, state } = record;
    const sum = await sums(`${id} ${attempt} ${state}`, () => parts.sum(id));
    const startedAt = record.startedAt === undefined ? undefined : new Date(record.startedAt);
    return formatImport(record, withRate(sum, startedAt, now()), baseUrlOf(request));
  };
}
export type ViewImport = ReturnType<typeof createViewImport>;

/** Answers with an import: `Retry-After` while it runs, and an ETag that changes with anything a caller can see. */
export function answerImport(status: 200 | 202, view: ImportView, request: HttpRequest): HttpResponseInit {
  const headers: Readonly<Record<string, string>> = hasEnded(view.state) ? {} : { "retry-after": "1" };
  if (status === 200) return answerTagged(view, request, headers);
  return json(status, view, { ...headers, ...validators(view) });
}
