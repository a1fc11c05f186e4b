import type { Digest } from "../digest.ts";
import { putManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";
import { mapConcurrently } from "./map-concurrently.ts";

/** A manifest with the exact bytes that its digest is of. */
export interface ManifestContent {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

const parallelPuts = 8;

/**
 * Puts manifests by digest into each of the repositories. They may refer only to what is there already: children of an
 * index are published by an earlier call.
 */
export async function publishManifests(
  manifests: readonly ManifestContent[],
  targets: readonly Repository[],
  signal: AbortSignal,
): Promise<void> {
  const puts = targets.flatMap((target) => manifests.map((manifest) => ({ target, manifest })));
  await mapConcurrently(puts, parallelPuts, ({ target, manifest }) =>
    putManifest(target, manifest.digest, manifest, signal),
  );
}
