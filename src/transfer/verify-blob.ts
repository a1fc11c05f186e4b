import { createHasher, type Digest } from "../digest.ts";
import { ImportError } from "../errors.ts";
import { headBlob } from "../registry/blobs.ts";
import { codeOf } from "../registry/errors-from-response.ts";
import type { Repository } from "../registry/registry.ts";
import { type BlobReaderDeps, openBlobReader } from "./blob-reader.ts";
import { corrupt } from "./lane.ts";
import { placeOf } from "./place-of.ts";

export interface BlobToVerify {
  readonly repository: Repository;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Called with each chunk's length, before it is hashed; what it throws ends the reading. */
  readonly onChunk: (bytes: number) => void;
}

/**
 * Reads a blob to its end and hashes it; nothing of it is kept. Throws `SOURCE_CONTENT_CORRUPT` or
 * `TARGET_CONTENT_CORRUPT` when it is not what its digest says or breaks off whenever it is read, and the code of a
 * missing blob when it is not there.
 */
export async function verifyBlob(
  deps: BlobReaderDeps,
  { repository, digest, sizeBytes, onChunk }: BlobToVerify,
  signal: AbortSignal,
): Promise<void> {
  const hasher = createHasher(digest);
  if (sizeBytes === 0) await assertThere(repository, digest, signal);
  await using reader = openBlobReader(deps, { source: repository, digest, sizeBytes, startBytes: 0 }, signal);
  let seenBytes = 0;
  const next = async () => {
    try {
      return await reader.next();
    } catch (thrown) {
      if (!reader.hasBrokenOff()) throw thrown;
      throw corrupt({ source: repository, digest }, `breaks off after ${seenBytes} of ${sizeBytes} bytes each time`);
    }
  };
  for (let read = await next(); read.done !== true; read = await next()) {
    seenBytes += read.value.byteLength;
    onChunk(read.value.byteLength);
    hasher.update(read.value);
  }
  const actual = hasher.digest();
  if (actual !== digest) throw corrupt({ source: repository, digest }, `has digest ${actual}`);
}

/** Whether an error is about the content itself, which is missing or wrong, and not about reaching it. */
export function isContentFault(thrown: unknown): thrown is ImportError {
  if (!(thrown instanceof ImportError) || thrown.side === undefined) return false;
  const { side, code } = thrown;
  return code === codeOf({ side }, "CONTENT_CORRUPT") || code === codeOf({ side }, "NOT_FOUND");
}

/** Of an empty blob nothing is read. */
async function assertThere(repository: Repository, digest: Digest, signal: AbortSignal): Promise<void> {
  if ((await headBlob(repository, digest, signal)) !== undefined) return;
  throw new ImportError({
    ...placeOf(repository),
    code: codeOf(placeOf(repository), "NOT_FOUND"),
    httpStatus: 404,
    digest,
    what: `blob ${digest} of ${repository.name} is not there`,
  });
}
