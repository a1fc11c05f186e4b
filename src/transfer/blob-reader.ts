import { MiB } from "../descriptor.ts";
import type { Digest } from "../digest.ts";
import { ImportError } from "../errors.ts";
import { codeOf } from "../registry/errors-from-response.ts";
import type { DownloadSlot, Repository } from "../registry/registry.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { type Lane, type LaneSource, openRange, openStream } from "./lane.ts";
import { placeOf } from "./place-of.ts";
import { createReadAhead } from "./read-ahead.ts";

export interface BlobReaderDeps {
  readonly buffers: ByteBudget;
  /** Bytes per parallel range. */
  readonly rangeBytes: number;
  /** Milliseconds of a clock that nobody sets back. */
  readonly now: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface ReadRequest {
  readonly source: Repository;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly startBytes: number;
}

/** The content of a blob from `startBytes` to its end, in order, as one iterator; close it on every path. */
export interface BlobReader extends AsyncIterator<Uint8Array, undefined>, AsyncDisposable {
  /** Resolves when the first byte is there, which the next `next` returns. */
  readonly prime: () => Promise<void>;
}

/** A {@link BlobReader} of what a registry has. */
export interface RemoteBlobReader extends BlobReader {
  /** It answers, and its content has broken off more often than it is opened again. */
  readonly hasBrokenOff: () => boolean;
}

const maxReconnects = 3; // without progress
const progressBytes = MiB; // less than this between two failures is none

/**
 * Reads a blob over as many connections as help: one plain GET for a source that keeps up, parallel ranges for one that
 * does not, and a new GET at the offset when a connection breaks or a signed URL expires. Sizes are checked, digests
 * are not.
 */
export function openBlobReader(deps: BlobReaderDeps, request: ReadRequest, signal: AbortSignal): RemoteBlobReader {
  const { buffers, rangeBytes, now, sleep } = deps;
  const { sizeBytes } = request;
  const readAhead = createReadAhead(now(), rangeBytes);
  let etag: string | undefined;
  const blob: LaneSource = { ...request, etag: () => etag };
  /** In the order of the content; the first is read. Only the first may be a stream. */
  const lanes: Lane[] = [];
  let offsetBytes = request.startBytes;
  let primed: Uint8Array | undefined;
  let reconnects = 0;
  let reconnectedAtBytes = offsetBytes;
  /** Held over all its requests: an upload waits for the rest, and so may those who wait for a slot. */
  let slot: DownloadSlot | undefined;
  const closing = new AbortController();
  const whileOpen = AbortSignal.any([signal, closing.signal]);
  let reading: Promise<unknown> = Promise.resolve();
  let hasBrokenOff = false;

  const drop = async (lane: Lane): Promise<void> => {
    await lane.close();
    if (lane.kind === "range") buffers.giveBack(rangeBytes);
  };
  const dropAll = async (from: number): Promise<void> => {
    await Promise.all(lanes.splice(from).map(drop));
  };

  const close = async (): Promise<void> => {
    await dropAll(0);
    slot?.release();
    slot = undefined;
  };

  const openHead = async (): Promise<Lane> => {
    slot ??= await request.source.acquireDownload(whileOpen);
    const head = await openStream(blob, { startBytes: offsetBytes, slot }, whileOpen);
    etag ??= head.etag;
    lanes.push(head);
    addRanges();
    return head;
  };

  /** Puts ranges behind the last lane, as many as read-ahead asks for, and memory and the host's slots allow. */
  const addRanges = (): void => {
    while (lanes.length < readAhead.lanes()) {
      const last = lanes.at(-1);
      if (last === undefined) return;
      const isUnbounded = last.kind === "stream" && last.endBytes === sizeBytes;
      const startBytes = isUnbounded ? offsetBytes + rangeBytes : last.endBytes;
      if (startBytes >= sizeBytes || !buffers.tryTake(rangeBytes)) return;
      const rangeSlot = request.source.tryAcquireDownload();
      if (rangeSlot === undefined) {
        buffers.giveBack(rangeBytes);
        return;
      }
      last.endBytes = startBytes;
      const endBytes = Math.min(startBytes + rangeBytes, sizeBytes);
      lanes.push(openRange(blob, { startBytes, endBytes, slot: rangeSlot }, whileOpen));
    }
  };

  const endLane = async (head: Lane): Promise<void> => {
    const [, next] = lanes;
    if (head.kind === "stream" && next !== undefined) {
      await next.answered;
      const failure = next.failure();
      if (failure !== undefined) {
        // The stream is still open: it goes on as if nobody had tried to be faster.
        await dropAll(1);
        giveUpRanges(failure);
        head.endBytes = sizeBytes;
        return;
      }
    }
    lanes.shift();
    await drop(head);
    addRanges();
  };

  /** Corrupt content ends the copy; whatever else is wrong with ranges, the plain stream will tell. */
  const giveUpRanges = (failure: unknown): void => {
    if (failure instanceof ImportError && failure.code === codeOf(placeOf(request.source), "CONTENT_CORRUPT"))
      throw failure;
    const isPassing = failure instanceof ImportError && failure.retryable;
    readAhead.limit(isPassing ? readAhead.lanes() / 2 : 1);
  };

  /** Decides what a failed lane means: throws, or leaves no lane so that the next GET starts at the offset. */
  const recover = async (thrown: unknown): Promise<void> => {
    const wasRange = lanes[0]?.kind === "range";
    await dropAll(0);
    if (whileOpen.aborted) throw thrown;
    if (wasRange) {
      giveUpRanges(thrown);
      return;
    }
    const mayReconnect = thrown instanceof ImportError && thrown.retryable && thrown.retryAfterSeconds === undefined;
    if (!mayReconnect) throw thrown;
    if (offsetBytes - reconnectedAtBytes >= progressBytes) reconnects = 0;
    reconnects += 1;
    hasBrokenOff = reconnects > maxReconnects;
    if (hasBrokenOff) throw thrown;
    reconnectedAtBytes = offsetBytes;
    await sleep(250 * 2 ** (reconnects - 1), whileOpen);
  };

  const readChunk = async (): Promise<Uint8Array | undefined> => {
    while (offsetBytes < sizeBytes) {
      const head = lanes[0] ?? (await openHead());
      const askedAt = now();
      let chunk: Uint8Array | undefined;
      try {
        chunk = await head.take();
        if (chunk === undefined) throw shortRead(request, offsetBytes);
      } catch (thrown) {
        await recover(thrown);
        continue;
      }
      offsetBytes += chunk.byteLength;
      const answeredAt = now();
      if (readAhead.note(chunk.byteLength, answeredAt - askedAt, answeredAt)) addRanges();
      if (offsetBytes === sizeBytes) await close();
      else if (offsetBytes === head.endBytes) await endLane(head);
      return chunk;
    }
    return undefined;
  };
  const read = (): Promise<Uint8Array | undefined> => {
    const chunk = readChunk();
    reading = chunk.catch(() => undefined);
    return chunk;
  };

  return {
    hasBrokenOff: () => hasBrokenOff,
    prime: async () => {
      primed ??= await read();
    },
    next: async () => {
      const value = primed ?? (await read());
      primed = undefined;
      return value === undefined ? { done: true, value } : { done: false, value };
    },
    [Symbol.asyncDispose]: async () => {
      // An upload that failed may still wait for a chunk, and its reader be on the way to the source again.
      closing.abort(new Error("the blob is no longer read"));
      await reading;
      await close();
    },
  };
}

function shortRead({ source, digest, sizeBytes }: ReadRequest, offsetBytes: number): ImportError {
  return new ImportError({
    ...placeOf(source),
    code: codeOf(placeOf(source), "UNAVAILABLE"),
    retryable: true,
    digest,
    what: `blob ${digest} of ${source.name} broke off after ${offsetBytes} of ${sizeBytes} bytes`,
  });
}
