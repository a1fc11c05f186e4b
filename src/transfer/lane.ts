import type { Digest } from "../digest.ts";
import { ImportError } from "../errors.ts";
import { type BlobDownload, getBlob } from "../registry/blobs.ts";
import { codeOf } from "../registry/errors-from-response.ts";
import type { DownloadSlot, Repository } from "../registry/registry.ts";
import { placeOf } from "./place-of.ts";

/** The blob that lanes read. */
export interface LaneSource {
  readonly source: Repository;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Strong ETag of the first answer, if there was one. */
  readonly etag: () => string | undefined;
}

interface StreamRequest {
  readonly startBytes: number;
  readonly slot: DownloadSlot;
}

interface RangeRequest extends StreamRequest {
  readonly endBytes: number;
}

/** One GET of a part of a blob, read in order. */
export interface Lane {
  /** `stream` reads as it is asked; `range` reads ahead into memory. */
  readonly kind: "stream" | "range";
  /** Where the lane stops to be read; a stream's end moves when ranges take over behind it. */
  endBytes: number;
  /** The next chunk; undefined when the source ended. */
  readonly take: () => Promise<Uint8Array | undefined>;
  /** Resolves when the source has answered, well or not. */
  readonly answered: Promise<void>;
  /** Why the lane is of no use, as far as it is known by now. */
  readonly failure: () => unknown;
  readonly close: () => Promise<void>;
}

/** The source answers a range request with the whole blob. */
class RangesIgnoredError extends Error {
  override readonly name = "RangesIgnoredError";
}

/**
 * A plain GET from `startBytes` to the end. A source that ignores the range is read and dropped up to there: that
 * costs its bytes again, and keeps the upload session with what it already has.
 */
export async function openStream(
  blob: LaneSource,
  { startBytes, slot }: StreamRequest,
  signal: AbortSignal,
): Promise<Lane & { readonly etag: string | undefined }> {
  const { source, digest, sizeBytes } = blob;
  const ifRange = blob.etag();
  const range = startBytes === 0 ? {} : { range: { startBytes }, ...(ifRange !== undefined && { ifRange }) };
  const download = await getBlob(source, { digest, slot, ...range }, signal);
  try {
    assertSize(blob, download);
  } catch (thrown) {
    await download[Symbol.asyncDispose]();
    throw thrown;
  }
  const content = download.content[Symbol.asyncIterator]();
  let receivedBytes = download.startBytes; // position in the blob
  const receive = async (): Promise<Uint8Array | undefined> => {
    for (;;) {
      const { done, value } = await content.next();
      if (done === true) return undefined;
      const fromBytes = receivedBytes;
      receivedBytes += value.byteLength;
      if (receivedBytes >= sizeBytes && download.totalBytes === undefined) await assertEnd(blob, content);
      if (receivedBytes > sizeBytes) throw corrupt(blob, `has more than ${sizeBytes} bytes`);
      if (receivedBytes > startBytes) return fromBytes < startBytes ? value.subarray(startBytes - fromBytes) : value;
    }
  };
  let takenBytes = startBytes;
  let rest: Uint8Array | undefined; // beyond an end that may move on again
  const lane = {
    kind: "stream" as const,
    etag: strongEtag(download.etag),
    endBytes: sizeBytes,
    take: async (): Promise<Uint8Array | undefined> => {
      const chunk = rest ?? (await receive());
      if (chunk === undefined) return undefined;
      const dueBytes = lane.endBytes - takenBytes;
      rest = chunk.byteLength > dueBytes ? chunk.subarray(dueBytes) : undefined;
      const due = rest === undefined ? chunk : chunk.subarray(0, dueBytes);
      takenBytes += due.byteLength;
      return due;
    },
    answered: Promise.resolve(),
    failure: () => undefined,
    close: async () => download[Symbol.asyncDispose](),
  };
  return lane;
}

/** Fetches `[startBytes, endBytes)` at once and keeps it until it is taken. Its slot is free when all is there. */
export function openRange(blob: LaneSource, { startBytes, endBytes, slot }: RangeRequest, signal: AbortSignal): Lane {
  const closing = new AbortController();
  const chunks: Uint8Array[] = [];
  let hasEnded = false;
  let failure: unknown;
  let wake = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  const pump = async (): Promise<void> => {
    const ifRange = blob.etag();
    const range = { startBytes, endBytes };
    const request = { digest: blob.digest, slot, range, ...(ifRange !== undefined && { ifRange }) };
    await using download = await getBlob(blob.source, request, AbortSignal.any([signal, closing.signal]));
    if (!download.isPartial) throw new RangesIgnoredError("the source ignores ranges");
    assertSize(blob, download);
    answered.resolve();
    let leftBytes = endBytes - startBytes;
    for await (const chunk of download.content) {
      leftBytes -= chunk.byteLength;
      if (leftBytes < 0) break;
      chunks.push(chunk);
      wake.resolve();
    }
    if (leftBytes !== 0) throw corrupt(blob, `came with a range of the wrong length at ${startBytes}`);
  };
  const pumped = pump()
    .catch((thrown: unknown) => {
      failure = thrown;
    })
    .finally(() => {
      hasEnded = true;
      slot.release();
      answered.resolve();
      wake.resolve();
    });
  return {
    kind: "range",
    endBytes,
    take: async () => {
      for (;;) {
        const chunk = chunks.shift();
        if (chunk !== undefined) return chunk;
        if (failure !== undefined) throw failure;
        if (hasEnded) return undefined;
        wake = Promise.withResolvers();
        await wake.promise;
      }
    },
    answered: answered.promise,
    failure: () => failure,
    close: async () => {
      closing.abort(new Error("the range is no longer wanted"));
      chunks.length = 0;
      await pumped;
    },
  };
}

/** `SOURCE_CONTENT_CORRUPT` or `TARGET_CONTENT_CORRUPT` about a blob. */
export function corrupt({ source, digest }: Pick<LaneSource, "source" | "digest">, what: string): ImportError {
  return new ImportError({
    ...placeOf(source),
    code: codeOf(placeOf(source), "CONTENT_CORRUPT"),
    digest,
    what: `blob ${digest} of ${source.name} ${what}`,
  });
}

function assertSize(blob: LaneSource, { totalBytes }: BlobDownload): void {
  if (totalBytes === undefined || totalBytes === blob.sizeBytes) return;
  throw corrupt(blob, `has ${totalBytes} bytes instead of ${blob.sizeBytes}`);
}

/** Without a Content-Length only the end of the content tells that nothing follows. */
async function assertEnd(blob: LaneSource, content: AsyncIterator<Uint8Array>): Promise<void> {
  for (let rest = await content.next(); rest.done !== true; rest = await content.next())
    if (rest.value.byteLength > 0) throw corrupt(blob, `has more than ${blob.sizeBytes} bytes`);
}

/** If-Range takes strong validators only. RFC 9110, 13.1.5. */
function strongEtag(etag: string | undefined): string | undefined {
  return etag?.startsWith("W/") ? undefined : etag;
}
