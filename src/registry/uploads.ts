import type { Digest } from "../digest.ts";
import { ImportError } from "../errors.ts";
import { formatChunkRange, isUploadRangeAt, parseUploadRange } from "./http-range.ts";
import { placeOfAccess } from "./place-of-access.ts";
import type { RegistryResponse, Repository } from "./registry.ts";

/** An upload that a registry has opened. Strictly sequential; `location` is another one after every answer. */
export interface UploadSession {
  /** Absolute URL. May hold a signature: never logged, sealed where it is stored. */
  readonly location: string;
  /** Bytes the registry has. */
  readonly offsetBytes: number;
}

export type PutOutcome =
  | { readonly kind: "done" }
  /** The registry no longer knows the session: a new one starts at byte 0. */
  | { readonly kind: "session-lost" }
  /** What arrived does not have the digest. */
  | { readonly kind: "digest-rejected" }
  /** 413: a proxy or the registry takes smaller requests only. */
  | { readonly kind: "too-large" };

export type PatchOutcome =
  | { readonly kind: "accepted"; readonly session: UploadSession }
  | { readonly kind: "session-lost" }
  /** The registry has stored another number of bytes than we sent: the session is of no use any more. */
  | { readonly kind: "range-mismatch" }
  /** The registry takes no chunks at all: only a whole PUT is left. */
  | { readonly kind: "chunks-refused" }
  | { readonly kind: "too-large" };

export interface PutBlobRequest {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly content: Uint8Array | AsyncIterable<Uint8Array>;
}

export interface PatchChunkRequest {
  readonly bytes: Uint8Array | AsyncIterable<Uint8Array>;
  readonly lengthBytes: number;
}

/** Opens an upload session. Source: OCI distribution-spec 1.1, "Pushing a blob". */
export async function startUpload(repository: Repository, signal: AbortSignal): Promise<UploadSession> {
  const target = { path: "blobs/uploads/" };
  await using response = await repository.send({ method: "POST", target, accept: [202] }, signal);
  return sessionFrom(response, repository, 0); // its Range, 0-0, does not tell an empty session from one byte
}

/**
 * Sends a whole blob in one PUT that closes the session. Tried once: after a failed connection (a retryable error)
 * only a HEAD of the blob tells what became of it.
 */
export async function putBlob(
  repository: Repository,
  session: UploadSession,
  { digest, sizeBytes, content }: PutBlobRequest,
  signal: AbortSignal,
): Promise<PutOutcome> {
  const closing = { digest, sizeBytes, body: { lengthBytes: sizeBytes, content } };
  return await closeSession(repository, session, closing, signal);
}

/** Closes a chunked upload with `PUT ?digest=` and no further byte. Tried once, as `putBlob`. */
export async function completeUpload(
  repository: Repository,
  session: UploadSession,
  digest: Digest,
  signal: AbortSignal,
): Promise<PutOutcome> {
  return await closeSession(repository, session, { digest, sizeBytes: session.offsetBytes }, signal);
}

/**
 * Sends one chunk at the session's offset, once, and returns where the next one goes. ECR answers 201 instead of 202.
 * Sources: OCI distribution-spec 1.1, "Pushing a blob in chunks"; who deviates stands in docs/registries.md.
 */
export async function patchChunk(
  repository: Repository,
  session: UploadSession,
  { bytes, lengthBytes }: PatchChunkRequest,
  signal: AbortSignal,
): Promise<PatchOutcome> {
  const headers = { ...octetStream, "content-range": formatChunkRange(session.offsetBytes, lengthBytes) };
  try {
    await using response = await repository.send(
      {
        method: "PATCH",
        target: { url: session.location },
        accept: [201, 202],
        headers,
        body: { lengthBytes, content: bytes },
        retry: "once",
      },
      signal,
    );
    const next = sessionFrom(response, repository, session.offsetBytes + lengthBytes, session.location);
    const fits = isUploadRangeAt(response.header("range"), next.offsetBytes);
    return fits || !repository.registry.profile.reportsRange
      ? { kind: "accepted", session: next }
      : { kind: "range-mismatch" };
  } catch (thrown) {
    if (refusesChunks(thrown, repository, session)) return { kind: "chunks-refused" };
    const refusal = refusalOf(thrown, repository);
    if (refusal === "digest-rejected") throw thrown;
    return { kind: refusal };
  }
}

/**
 * Where a session stands, or undefined when the registry does not know it, or will not say: then it is lost, and what
 * else is wrong the POST of the next one tells. Throws what a repeat may cure, and a 401, which is about the sign-in.
 */
export async function getUploadStatus(
  repository: Repository,
  session: UploadSession,
  signal: AbortSignal,
): Promise<UploadSession | undefined> {
  const target = { url: session.location };
  try {
    await using response = await repository.send({ method: "GET", target, accept: [200, 204] }, signal);
    const { statusAheadBytes } = repository.registry.profile;
    const told = parseUploadRange(response.header("range"), session.offsetBytes);
    const offsetBytes = told === undefined ? session.offsetBytes : Math.max(0, told - statusAheadBytes);
    return sessionFrom(response, repository, offsetBytes, session.location);
  } catch (thrown) {
    if (isLastWord(thrown) && thrown.httpStatus !== 401) return undefined;
    throw thrown;
  }
}

/** Whether a registry has answered, and would answer the same again. */
function isLastWord(thrown: unknown): thrown is ImportError {
  return thrown instanceof ImportError && !thrown.retryable && thrown.httpStatus !== undefined;
}

export type CancelOutcome =
  /** The session is gone, or the registry will have none of it. */
  | { readonly kind: "answered" }
  /** `isPassing`: another try may help, after so long where that is known. Else first something has to be changed. */
  | { readonly kind: "unanswered"; readonly isPassing: boolean; readonly retryAfterSeconds?: number };

/** Gives a session up, so that the registry can free its bytes at once. Tried once, and never throws. */
export async function cancelUpload(
  repository: Repository,
  session: UploadSession,
  signal: AbortSignal,
): Promise<CancelOutcome> {
  const target = { url: session.location };
  try {
    const request = { method: "DELETE", target, accept: [200, 202, 204], retry: "once", isBackground: true } as const;
    await using _ = await repository.send(request, signal);
    return { kind: "answered" };
  } catch (thrown) {
    // The spec makes DELETE optional and registries expire what is left: no copy depends on it.
    if (isLastWord(thrown)) return { kind: "answered" };
    if (!(thrown instanceof ImportError)) return { kind: "unanswered", isPassing: true }; // the signal's reason
    const { retryable: isPassing, retryAfterSeconds } = thrown;
    return { kind: "unanswered", isPassing, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  }
}

/** The session that an answer describes. Without a `Location` it stays at `location`, if there was one. */
export function sessionFrom(
  response: RegistryResponse,
  repository: Repository,
  offsetBytes: number,
  location?: string,
): UploadSession {
  const answered = response.header("location") ?? location;
  const url = answered === undefined ? null : URL.parse(answered, response.url);
  if (url === null) {
    throw new ImportError({
      ...placeOfAccess(repository.registry.access),
      code: "TARGET_UPLOAD_REJECTED",
      httpStatus: response.status,
      what: `an upload to ${repository.name} was opened without a usable Location`,
    });
  }
  return { location: url.href, offsetBytes };
}

interface Closing {
  readonly digest: Digest;
  /** Of the whole blob. */
  readonly sizeBytes: number;
  readonly body?: { readonly lengthBytes: number; readonly content: Uint8Array | AsyncIterable<Uint8Array> };
}

async function closeSession(
  repository: Repository,
  session: UploadSession,
  { digest, sizeBytes, body }: Closing,
  signal: AbortSignal,
): Promise<PutOutcome> {
  const target = { url: withDigest(session.location, digest) };
  try {
    await using _ = await repository.send(
      {
        ...{ method: "PUT", target, accept: [201, 204], headers: octetStream, retry: "once" },
        ...(body && { body }),
        headersTimeoutMs: finalAnswerMs(sizeBytes),
      },
      signal,
    );
    return { kind: "done" };
  } catch (thrown) {
    const refusal = refusalOf(thrown, repository);
    return { kind: refusal === "range-mismatch" ? "session-lost" : refusal };
  }
}

/** What a refusal means for the session; rethrows what means nothing for it. */
function refusalOf(
  thrown: unknown,
  { registry }: Repository,
): "session-lost" | "range-mismatch" | "digest-rejected" | "too-large" {
  // The content that was being sent may have thrown an error of its own side, which is none of this registry's.
  if (!(thrown instanceof ImportError) || thrown.side !== registry.access.side) throw thrown;
  const upstream = (thrown.toWire().upstream ?? []).map(({ code }) => code);
  if (thrown.httpStatus === 413) return "too-large";
  if (thrown.httpStatus === 416) return "range-mismatch";
  if (upstream.includes("DIGEST_INVALID")) return "digest-rejected";
  const isSessionUnknown = upstream.includes("BLOB_UPLOAD_UNKNOWN") || upstream.includes("BLOB_UPLOAD_INVALID");
  if (isSessionUnknown || (thrown.httpStatus === 404 && !upstream.includes("NAME_UNKNOWN"))) return "session-lost";
  throw thrown;
}

/** PATCH itself is what is refused. A 404 can mean that too, where it speaks of no session and nothing was sent before. */
function refusesChunks(thrown: unknown, { registry }: Repository, { offsetBytes }: UploadSession): boolean {
  if (!(thrown instanceof ImportError) || thrown.side !== registry.access.side) return false;
  const { httpStatus = 0 } = thrown;
  if (thrown.code === "TARGET_LOCKED") return false;
  if (httpStatus !== 404) return [405, 415, 501].includes(httpStatus);
  const codes = (thrown.toWire().upstream ?? []).map(({ code }) => code);
  return offsetBytes === 0 && !codes.some((code) => /^(BLOB_UPLOAD|NAME)_/.test(code));
}

/** As text: the query that a registry signed must come back as it is, byte for byte. */
function withDigest(location: string, digest: Digest): string {
  return `${location}${location.includes("?") ? "&" : "?"}digest=${encodeURIComponent(digest)}`;
}

/** How long to wait for the answer after the last byte: some registries hash gigabytes in silence then. */
export function finalAnswerMs(sizeBytes: number): number {
  return Math.max(120_000, Math.ceil(sizeBytes / 20_000)); // 20 MB/s
}

const octetStream = { "content-type": "application/octet-stream" };
