import { z } from "zod";
import { type Digest, parseDigest } from "../digest.ts";

/** What ACR says of one manifest while it imports; ACR has no list of its words, so anything else is `pending`. */
export interface ManifestState {
  readonly repository: string;
  readonly digest: Digest;
  readonly state: "pending" | "done";
}

/** An operation as an answer tells of it. */
export type OperationStatus =
  | { readonly kind: "running" | "done"; readonly manifests: readonly ManifestState[] }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

const errorSchema = z.looseObject({
  code: z.string().catch(""),
  message: z.string().catch(""),
});
const bodySchema = z.looseObject({
  status: z.string().optional().catch(undefined),
  error: errorSchema.optional().catch(undefined),
});

/**
 * Reads the answer to a question for an operation: the status says that it runs (202), that it is over (200), or, where
 * the body has a `status` as of an Azure-AsyncOperation, the body does. Observed at ACR:
 * `202 {"app@sha256:…":"Pending","status":"Accepted"}`.
 */
export function readOperation(httpStatus: number, body: unknown): OperationStatus {
  const parsed = bodySchema.safeParse(body).data ?? {};
  const { status = "", error } = parsed;
  if (httpStatus >= 400 || /^(failed|cancell?ed)$/i.test(status))
    return { kind: "failed", code: error?.code ?? "", message: error?.message ?? "" };
  const isRunning = httpStatus === 202 || /^(accepted|running|inprogress|started|pending)$/i.test(status);
  return { kind: isRunning ? "running" : "done", manifests: readManifests(parsed) };
}

function readManifests(body: Readonly<Record<string, unknown>>): readonly ManifestState[] {
  return Object.entries(body).flatMap(([name, state]): ManifestState[] => {
    const at = name.indexOf("@");
    const digest = at < 0 ? undefined : parseDigest(name.slice(at + 1));
    if (digest === undefined) return [];
    const isDone = typeof state === "string" && /^(succeeded|completed?|done|imported)$/i.test(state);
    return [{ repository: name.slice(0, at), digest, state: isDone ? "done" : "pending" }];
  });
}
