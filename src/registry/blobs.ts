import type { Digest } from "../digest.ts";
import { ImportError } from "../errors.ts";
import { contentMismatch } from "./errors-from-response.ts";
import { sendHead, sizeOf } from "./head.ts";
import { type ByteRange, formatRange, parseContentRange } from "./http-range.ts";
import { placeOfAccess } from "./place-of-access.ts";
import type { DownloadSlot, RegistryRequest, RegistryResponse, Repository } from "./registry.ts";
import { parseLength } from "./response.ts";
import { sessionFrom, type UploadSession } from "./uploads.ts";

/** The size of a blob that is there, or undefined. 0 when the registry does not tell a size. */
export async function headBlob(
  repository: Repository,
  digest: Digest,
  signal: AbortSignal,
): Promise<number | undefined> {
  const missing = missingStatuses(repository);
  const range = { startBytes: 0, endBytes: 1 };
  const isByGet = repository.registry.profile.refusesBlobHeads;
  const request = { path: `blobs/${digest}`, accept: [200, ...missing], range, isByGet };
  const head = await sendHead(repository, request, signal);
  return missing.includes(head.status) ? undefined : (sizeOf(head) ?? 0);
}

/** The statuses of a HEAD of what is not there. */
export function missingStatuses({ registry }: Repository): readonly number[] {
  return registry.profile.forbidsMissing ? [403, 404] : [404];
}

export interface BlobRequest {
  readonly digest: Digest;
  readonly range?: ByteRange;
  /** ETag of an earlier answer: the range is served only if the content is still that one, else all of it. */
  readonly ifRange?: string;
  /** One that the caller holds for this blob; else one is waited for. */
  readonly slot?: DownloadSlot;
  /** Where the answer is the whole blob: see {@link RegistryRequest}. */
  readonly wholeBytes?: number;
}

/** A blob on its way: read `content` to its end or dispose of it. */
export interface BlobDownload extends AsyncDisposable {
  /** The registry answered with the range asked for; else `content` is the whole blob. */
  readonly isPartial: boolean;
  /** Position in the blob of the first byte of `content`. */
  readonly startBytes: number;
  /** Size of the whole blob, where the registry tells it. */
  readonly totalBytes: number | undefined;
  readonly etag: string | undefined;
  readonly content: AsyncIterable<Uint8Array>;
}

/**
 * Opens a blob or a range of it. A 206 that is not what was asked for fails before its first byte is used; one that
 * ends early is left to the reader, who counts. Size and digest are not checked here.
 */
export async function getBlob(
  repository: Repository,
  { digest, range, ifRange, slot, wholeBytes }: BlobRequest,
  signal: AbortSignal,
): Promise<BlobDownload> {
  const headers = {
    ...(range === undefined ? {} : { range: formatRange(range) }),
    ...(range === undefined || ifRange === undefined ? {} : { "if-range": ifRange }),
  };
  const target = { path: `blobs/${digest}` };
  const request = { method: "GET", target, accept: [200, 206], headers, slot, wholeBytes } as const;
  const response = await repository.send(request, signal);
  try {
    return toDownload(response, repository, digest, range);
  } catch (thrown) {
    await response[Symbol.asyncDispose]();
    throw thrown;
  }
}

function toDownload(
  response: RegistryResponse,
  repository: Repository,
  digest: Digest,
  range: ByteRange | undefined,
): BlobDownload {
  const common = {
    etag: response.header("etag"),
    content: response.content,
    [Symbol.asyncDispose]: response[Symbol.asyncDispose],
  };
  if (response.status === 200) {
    const totalBytes = parseLength(response.header("content-length"));
    return { ...common, isPartial: false, startBytes: 0, totalBytes };
  }
  const header = response.header("content-range");
  const answered = parseContentRange(header);
  const asked = { startBytes: range?.startBytes ?? 0, endBytes: range?.endBytes ?? Number.MAX_SAFE_INTEGER };
  if (answered?.startBytes !== asked.startBytes || answered.endBytes > asked.endBytes) {
    const want = range === undefined ? "the whole" : formatRange(range);
    throw contentMismatch(placeOfAccess(repository.registry.access), {
      what: `asked for ${want} of blob ${digest}, it answered Content-Range: ${header ?? "none"}`,
      digest,
    });
  }
  return { ...common, isPartial: true, startBytes: answered.startBytes, totalBytes: answered.totalBytes };
}

export type MountOutcome =
  | { readonly kind: "mounted" }
  /** The registry did not mount, and opened an upload session instead: go on with it. */
  | { readonly kind: "session"; readonly session: UploadSession }
  /** No mount and no session: upload as usual. */
  | { readonly kind: "refused"; readonly status: number };

/**
 * Asks the registry to take a blob over from its repository `from`. Always with `from`: Quay fails without, and other
 * registries only guess. A mount only saves work, so whatever the answer, the plain upload goes on or tells what is
 * wrong. Throws the ImportError of what that would meet as well: 429, 503, a connection that fails.
 */
export async function mountBlob(
  repository: Repository,
  { digest, from }: { readonly digest: Digest; readonly from: string },
  signal: AbortSignal,
): Promise<MountOutcome> {
  const path = `blobs/uploads/?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from)}`;
  try {
    await using response = await repository.send(
      { method: "POST", target: { path }, accept: [201, 202], pullFrom: [from] },
      signal,
    );
    if (response.status === 201) return { kind: "mounted" };
    return { kind: "session", session: sessionFrom(response, repository, 0) };
  } catch (thrown) {
    const status = thrown instanceof ImportError ? thrown.httpStatus : undefined;
    if (status === undefined || status === 429 || status === 503) throw thrown;
    return { kind: "refused", status };
  }
}
