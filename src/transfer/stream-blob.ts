import { ImportError, unreachable } from "../errors.ts";
import { isOver } from "./budget.ts";
import { uploadChunked } from "./chunked-upload.ts";
import type { ChunkedUpload, ChunkedUploadDeps } from "./kept-session.ts";
import { placeOf } from "./place-of.ts";
import { chunkBytesFor, learnTooLarge } from "./transfer-settings.ts";
import { hasArrived, type UploadEnd, type UploadJob } from "./upload-job.ts";
import { uploadWhole } from "./whole-upload.ts";

export type BlobStream = Pick<ChunkedUpload, "job" | "key" | "lease" | "opened">;

export type StreamResult =
  | { readonly kind: "done"; readonly attempts: number }
  | Extract<UploadEnd, { kind: "paused" | "stopped" }>;

const maxRestarts = 3;

/**
 * Streams a blob into the target: as one PUT where that goes, else in chunks; in a new session from byte 0 when one
 * fails, a few times. Throws the ImportError of a failure that starting over does not cure.
 */
export async function streamBlob(
  deps: ChunkedUploadDeps,
  { job, key, lease, opened }: BlobStream,
  signal: AbortSignal,
): Promise<StreamResult> {
  let restarts = 0;
  for (let attempts = 1; ; attempts += 1) {
    const isFirst = attempts === 1;
    const from = isFirst ? lease?.checkpoint : undefined;
    const end = await upload(deps, { job, key, lease, from, opened: isFirst ? opened : undefined }, signal);
    if (wasCut(end)) job.onCut();
    switch (end.kind) {
      case "done":
        return { kind: "done", attempts };
      case "paused":
      case "stopped":
        return end;
      case "too-large":
        if (!learnTooLarge(end.bytes, job.target.registry)) throw refused(job, end);
        break;
      case "chunks-refused":
        job.target.registry.learn({ refusesChunks: true });
        break;
      case "lost":
      case "rejected":
      case "broken":
        restarts += 1;
        if (restarts > maxRestarts) throw refused(job, end);
        break;
      default:
        return unreachable(end);
    }
    // The answer to a try that seemed to fail may have been what was lost.
    if (await hasArrived(job, signal)) return { kind: "done", attempts };
    if (isOver(job.budget, deps.now)) return { kind: "stopped", hasSent: true };
    job.onProgress(0);
  }
}

async function upload(
  deps: ChunkedUploadDeps,
  begun: Omit<ChunkedUpload, "chunkBytes">,
  signal: AbortSignal,
): Promise<UploadEnd> {
  const { job, key, from, opened } = begun;
  // What was begun in chunks goes on so, whatever would be chosen by now.
  const isBegun = from !== undefined || deps.live.has(key, begun);
  const { profile } = job.target.registry;
  const chunkBytes = chunkBytesFor(job, deps.settings) ?? (isBegun ? profile.chunkBytes : 0);
  if (chunkBytes > 0) return await uploadChunked(deps, { ...begun, chunkBytes }, signal);
  const isOfNoUse = profile.chunkBytes === 0; // no chunks are taken any more
  if (isOfNoUse) await deps.giveUp(job.target, deps.live.drop(key)?.position.session ?? from);
  return await uploadWhole(deps, job, opened, signal);
}

function wasCut(end: UploadEnd): boolean {
  return end.kind === "broken" || (end.kind === "paused" && end.error !== undefined);
}

type Failure = Extract<UploadEnd, { kind: "too-large" | "lost" | "rejected" | "broken" }>;

function refused({ target, digest }: UploadJob, end: Failure): ImportError {
  const at = { ...placeOf(target), digest };
  switch (end.kind) {
    case "too-large":
      return new ImportError({
        ...at,
        code: "TARGET_UPLOAD_REJECTED",
        httpStatus: 413,
        what: `blob ${digest} for ${target.name} is refused as too large, even ${end.bytes} bytes of it`,
        hint: "raise the request size limit of the registry or of the proxy before it",
      });
    case "broken":
      return end.error;
    case "rejected":
      return new ImportError({
        ...at,
        code: "TARGET_DIGEST_REJECTED",
        what: `blob ${digest} for ${target.name} is said to arrive with another digest, ${maxRestarts + 1} times`,
        hint: "what left here had the right digest: look at the registry's storage and at proxies before it",
      });
    case "lost":
      return new ImportError({
        ...at,
        code: "TARGET_UPLOAD_REJECTED",
        what: `the upload of blob ${digest} to ${target.name} was lost ${maxRestarts + 1} times`,
        hint: "several registry instances without shared upload state, or a proxy, are the usual cause",
      });
    default:
      return unreachable(end);
  }
}
