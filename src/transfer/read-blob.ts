import type { Descriptor } from "../descriptor.ts";
import { digestOf } from "../digest.ts";
import { ImportError } from "../errors.ts";
import { getBlob } from "../registry/blobs.ts";
import { codeOf } from "../registry/errors-from-response.ts";
import { maxManifestBytes } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";
import { placeOf } from "./place-of.ts";

/** A small blob (a config) as a whole, checked; undefined when it is larger than a manifest may be. */
export async function readBlob(
  repository: Repository,
  { digest, size }: Descriptor,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  if (size > maxManifestBytes) return undefined;
  await using download = await getBlob(repository, { digest, wholeBytes: maxManifestBytes }, signal);
  const chunks: Uint8Array[] = [];
  let seenBytes = 0;
  for await (const chunk of download.content) {
    seenBytes += chunk.byteLength;
    if (seenBytes > size) break;
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  if (seenBytes === size && digestOf(bytes, digest) === digest) return bytes;
  throw new ImportError({
    ...placeOf(repository),
    code: codeOf(placeOf(repository), "CONTENT_CORRUPT"),
    digest,
    what: `blob ${digest} of ${repository.name} is not what its digest says`,
  });
}
