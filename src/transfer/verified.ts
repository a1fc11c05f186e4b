import type { Digest, Hasher } from "../digest.ts";

export interface VerifiedBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Has hashed the first `startBytes`. Undefined: another process sent them, and the target's check decides. */
  readonly hasher: Hasher | undefined;
  /** The part of the blob that this content is. */
  readonly startBytes: number;
  readonly endBytes: number;
  /** Called before each chunk is passed on with the end of it in the blob; what it throws ends the content. */
  readonly onChunk: (seenBytes: number) => void;
  readonly corrupt: (what: string) => Error;
}

export interface VerifiedContent extends AsyncIterable<Uint8Array> {
  /** How far into the blob the chunks reach that were passed on. */
  readonly seenBytes: () => number;
  /** What ended the content early, undefined if nothing did: a failed request tells only that its body failed. */
  readonly failure: () => unknown;
  /** What a reader that was left still brings is passed on no more, nor hashed: the hasher goes on elsewhere. */
  readonly stop: () => void;
}

/**
 * Passes `content` on, and fails unless it is what the blob says. The chunk that completes the blob leaves only when
 * size and digest are right, so that corrupt content can never complete an upload whose Content-Length is announced.
 *
 * Iterators by hand and not generators: every chunk of every blob comes through here, at one promise each.
 */
export function verified(content: AsyncIterator<Uint8Array>, blob: VerifiedBlob): VerifiedContent {
  const { digest, sizeBytes, hasher, endBytes, onChunk, corrupt } = blob;
  let seenBytes = blob.startBytes;
  let failure: unknown;
  let isStopped = false;
  const advance = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    const { done, value } = await content.next();
    if (isStopped) throw new Error("nobody reads this content any more");
    if (done === true) {
      if (seenBytes < endBytes) throw corrupt(`ended after ${seenBytes} of ${sizeBytes} bytes`);
      return { done, value: undefined };
    }
    const nextBytes = seenBytes + value.byteLength;
    if (nextBytes > endBytes) throw corrupt(`has more than ${endBytes} bytes`);
    onChunk(nextBytes); // first: where it ends the content, the hash is that of what was passed on
    hasher?.update(value);
    if (nextBytes === sizeBytes && hasher !== undefined) {
      const actual = hasher.digest();
      if (actual !== digest) throw corrupt(`has digest ${actual}`);
    }
    seenBytes = nextBytes;
    return { done: false, value };
  };
  const next = async () => {
    try {
      return await advance();
    } catch (thrown) {
      if (!isStopped) failure = thrown;
      throw thrown;
    }
  };
  return {
    [Symbol.asyncIterator]: () => ({ next }),
    seenBytes: () => seenBytes,
    failure: () => failure,
    stop: () => {
      isStopped = true;
    },
  };
}

/** Cuts content into pieces of given lengths; each piece must be read to its end before the next is asked for. */
export function createSplitter(content: AsyncIterator<Uint8Array>): (lengthBytes: number) => AsyncIterator<Uint8Array> {
  let rest: Uint8Array | undefined;
  return (lengthBytes) => {
    let leftBytes = lengthBytes;
    return {
      next: async () => {
        if (leftBytes === 0) return { done: true, value: undefined };
        const result = rest === undefined ? await content.next() : { done: false, value: rest };
        if (result.done === true) return result;
        const { value } = result;
        rest = value.byteLength > leftBytes ? value.subarray(leftBytes) : undefined;
        const piece = rest === undefined ? value : value.subarray(0, leftBytes);
        leftBytes -= piece.byteLength;
        return { done: false, value: piece };
      },
    };
  };
}
