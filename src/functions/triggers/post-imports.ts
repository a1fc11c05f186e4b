import type { HttpRequest, HttpResponseInit } from "@azure/functions";
import { z } from "zod";
import { hasEnded, type ImportRecord } from "../../domain/import-record.ts";
import { type ParsedImportRequest, parseImportRequest, type RequestSettings } from "../../domain/import-request.ts";
import type { ImportSpec } from "../../domain/import-spec.ts";
import type { ClaimId } from "../claim-id.ts";
import { answerImport, type ViewImport } from "../import-answer.ts";
import type { StartImport } from "../start-import.ts";
import type { WaitForEnd } from "../wait-for-end.ts";
import type { DurableHttpHandler } from "./http-answer.ts";
import { readJsonBody } from "./read-body.ts";
import { readQuery } from "./read-query.ts";

export interface PostImportsDeps {
  readonly settings: RequestSettings;
  /** Throws HOST_NOT_ALLOWED. */
  readonly assertAllowed: (spec: ImportSpec) => void;
  /** Throws when credentials cannot be sealed, for want of a key. */
  readonly assertMaySeal: () => void;
  readonly claimId: ClaimId;
  readonly startImport: Pick<StartImport, "accept">;
  readonly waitForEnd: WaitForEnd;
  /** The answer to a dry run. */
  readonly planOnly: (request: ParsedImportRequest, signal: AbortSignal) => Promise<HttpResponseInit>;
  readonly view: ViewImport;
  readonly now: () => Date;
}

export const postImportsQuerySchema = z.strictObject({
  wait: z.coerce.number().int().min(0).max(200).default(0).describe("Seconds to wait for the import's end."),
});

const planSeconds = 200; // the platform cuts HTTP answers off at 230 s

/** `POST /api/imports`: 202 with the record, 200 when it has ended (`?wait=`) or with the plan (`dryRun`). */
export function createPostImports(deps: PostImportsDeps): DurableHttpHandler {
  const { settings, assertAllowed, assertMaySeal, claimId, startImport, waitForEnd, planOnly, view, now } = deps;
  return async (request, durable) => {
    const { wait } = readQuery(request, postImportsQuerySchema);
    const parsed = parseImportRequest(await readJsonBody(request), settings);
    assertAllowed(parsed.spec);
    if (parsed.dryRun) return await planOnly(parsed, AbortSignal.timeout(planSeconds * 1_000));
    if (parsed.credentials !== undefined) assertMaySeal();
    const causedAt = now();
    const id = await claimId(request, { kind: "import", body: parsed.spec, causedAt });
    const trigger = { kind: "http" } as const;
    const { record } = await startImport.accept({ id, trigger, request: parsed, causedAt }, durable);
    const current = wait > 0 ? await waitForEnd(record, wait) : record;
    return await answerAccepted(current, request, view);
  };
}

async function answerAccepted(record: ImportRecord, request: HttpRequest, view: ViewImport): Promise<HttpResponseInit> {
  const answer = answerImport(hasEnded(record.state) ? 200 : 202, await view(record, request), request);
  return { ...answer, headers: { ...answer.headers, location: `/api/imports/${record.id}` } };
}
