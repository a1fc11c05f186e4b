import type { Digest } from "../digest.ts";
import { headBlob } from "../registry/blobs.ts";
import type { Repository } from "../registry/registry.ts";

/** A blob as its manifest describes it. */
export interface SizedBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/**
 * Whether a repository says that it holds a blob, with its size where it tells one. Another size is that of something
 * else: a write that was cut off, or the page of a proxy.
 */
export async function hasBlob(
  repository: Repository,
  { digest, sizeBytes }: SizedBlob,
  signal: AbortSignal,
): Promise<boolean> {
  const toldBytes = await headBlob(repository, digest, signal);
  return toldBytes === sizeBytes || toldBytes === 0;
}
