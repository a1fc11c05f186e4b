import type { Digest } from "../digest.ts";
import { type FetchedManifest, getManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";

/** A manifest of a repository by its digest; undefined: it is not there. */
export type ReadManifest = (digest: Digest, signal: AbortSignal) => Promise<FetchedManifest | undefined>;

export interface ReadManifestOptions {
  /** What was read before, by whoever. */
  readonly known: ReadonlyMap<Digest, FetchedManifest>;
  /** Told of each manifest that took a GET; whoever reads waits for it. */
  readonly onFetched: (manifest: FetchedManifest) => Promise<void>;
}

/** Reads manifests of a repository, each with one GET: Docker Hub counts those. */
export function createReadManifest(
  repository: Repository,
  { known, onFetched }: ReadManifestOptions = { known: new Map(), onFetched: async () => {} },
): ReadManifest {
  const read = new Map(known);
  return async (digest, signal) => {
    const held = read.get(digest);
    if (held !== undefined) return held;
    const manifest = await getManifest(repository, digest, signal);
    if (manifest === undefined) return undefined;
    read.set(digest, manifest);
    await onFetched(manifest);
    return manifest;
  };
}
