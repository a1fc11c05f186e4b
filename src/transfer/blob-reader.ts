import type { Digest } from "../digest.ts";
import { ImportError } from "../errors.ts";
import { codeOf } from "../registry/errors-from-response.ts";
import type { Repository } from "../registry/registry.ts";
import type { ByteBudget } from "./byte-budget.ts";
import type { Lane } from "./lane.ts";
import { createLanes } from "./lanes.ts";
import { placeOf } from "./place-of.ts";
import { createReadAhead } from "./read-ahead.ts";
import { createReconnects } from "./reconnects.ts";

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

/**
 * Reads a blob over as many connections as help: one plain GET for a source that keeps up, parallel ranges for one that
 * does not, and a new GET at the offset when a connection breaks or a signed URL expires. Sizes are checked, digests
 * are not.
 */
export function openBlobReader(deps: BlobReaderDeps, request: ReadRequest, signal: AbortSignal): RemoteBlobReader {
  const { now, sleep, rangeBytes } = deps;
  const { sizeBytes, startBytes } = request;
  const closing = new AbortController();
  const whileOpen = AbortSignal.any([signal, closing.signal]);
  const readAhead = createReadAhead(now(), rangeBytes);
  const lanes = createLanes({ ...deps, readAhead }, request, whileOpen);
  const reconnects = createReconnects(startBytes, sleep);
  let offsetBytes = startBytes;
  let primed: Uint8Array | undefined;
  let reading: Promise<unknown> = Promise.resolve();

  /** Decides what a failed lane means: throws, or leaves no lane so that the next GET starts at the offset. */
  const recover = async (head: Lane, thrown: unknown): Promise<void> => {
    await lanes.dropAll();
    if (whileOpen.aborted) throw thrown;
    if (head.kind === "range") lanes.giveUpRanges(thrown);
    else await reconnects.wait(thrown, offsetBytes, whileOpen);
  };

  const take = async (head: Lane): Promise<Uint8Array> => {
    const askedAt = now();
    const chunk = await head.take();
    if (chunk === undefined) throw shortRead(request, offsetBytes);
    offsetBytes += chunk.byteLength;
    const answeredAt = now();
    if (readAhead.note(chunk.byteLength, answeredAt - askedAt, answeredAt)) lanes.addRanges(offsetBytes);
    return chunk;
  };

  const readChunk = async (): Promise<Uint8Array | undefined> => {
    while (offsetBytes < sizeBytes) {
      const head = await lanes.head(offsetBytes);
      let chunk: Uint8Array;
      try {
        chunk = await take(head);
      } catch (thrown) {
        await recover(head, thrown);
        continue;
      }
      if (offsetBytes === sizeBytes) await lanes.close();
      else if (offsetBytes === head.endBytes) await lanes.advance(head, offsetBytes);
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
    hasBrokenOff: reconnects.areUsedUp,
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
      await lanes.close();
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
