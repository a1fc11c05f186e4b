import type { Digest } from "../../digest.ts";

/** A part of a blob: `endBytes` is exclusive. */
export interface ByteRange {
  readonly startBytes: number;
  readonly endBytes: number;
}

/** Bytes by digest, shared by all repositories, and the unfinished uploads. */
export interface Content {
  /** Size in bytes, or undefined when the content is not there. */
  readonly sizeOf: (digest: Digest) => Promise<number | undefined>;
  readonly read: (digest: Digest, range: ByteRange) => AsyncIterable<Uint8Array>;
  readonly write: (digest: Digest, bytes: Uint8Array) => Promise<void>;
  /** Opens the upload of that id with what it holds already, or an empty one. */
  readonly openUpload: (id: string) => Promise<UploadFile>;
}

/** An unfinished blob. Appends come one after the other. */
export interface UploadFile {
  /** Bytes appended so far. */
  readonly sizeBytes: () => number;
  readonly append: (chunk: Uint8Array) => Promise<void>;
  readonly flush: () => Promise<void>;
  readonly read: () => AsyncIterable<Uint8Array>;
  /** Makes the bytes the content of `digest`, which the caller has checked. */
  readonly commit: (digest: Digest) => Promise<void>;
  readonly discard: () => Promise<void>;
}

/** Keeps everything in memory: for tests. */
export function createMemoryContent(): Content {
  const stored = new Map<Digest, readonly Uint8Array[]>();
  return {
    sizeOf: async (digest) => {
      const chunks = stored.get(digest);
      return chunks === undefined ? undefined : totalOf(chunks);
    },
    read: (digest, range) => slice(stored.get(digest) ?? [], range),
    write: async (digest, bytes) => {
      stored.set(digest, [bytes]);
    },
    openUpload: async () => {
      let chunks: Uint8Array[] = [];
      let sizeBytes = 0;
      return {
        sizeBytes: () => sizeBytes,
        append: async (chunk) => {
          chunks.push(chunk);
          sizeBytes += chunk.byteLength;
        },
        flush: async () => undefined,
        read: () => slice(chunks, { startBytes: 0, endBytes: sizeBytes }),
        commit: async (digest) => {
          stored.set(digest, chunks);
        },
        discard: async () => {
          chunks = [];
        },
      };
    },
  };
}

function totalOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((total, chunk) => total + chunk.byteLength, 0);
}

const readBytes = 1024 * 1024; // per chunk: seeded content is one array, and faults count in smaller pieces

async function* slice(chunks: readonly Uint8Array[], range: ByteRange): AsyncGenerator<Uint8Array> {
  let offsetBytes = 0;
  for (const chunk of chunks) {
    const start = Math.max(0, range.startBytes - offsetBytes);
    const end = Math.min(chunk.byteLength, range.endBytes - offsetBytes);
    for (let at = start; at < end; at += readBytes) yield chunk.subarray(at, Math.min(end, at + readBytes));
    offsetBytes += chunk.byteLength;
    if (offsetBytes >= range.endBytes) return;
  }
}
