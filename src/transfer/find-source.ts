import type { ResolvedSource } from "../domain/import-transitions.ts";
import { type FetchedManifest, getManifest, headManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";

export interface FoundSource {
  readonly source: ResolvedSource;
  /** Where it took a GET to learn the digest. */
  readonly manifest?: FetchedManifest;
}

/**
 * The digest that a reference stands for: a digest for itself, which the registry must confirm. By a HEAD where that
 * tells it, since Docker Hub counts only GETs as pulls. Undefined: it is not there.
 */
export async function findSource(
  source: Repository,
  reference: string,
  signal: AbortSignal,
): Promise<FoundSource | undefined> {
  const head = await headManifest(source, reference, signal);
  if (head === undefined) return undefined;
  if (head.digest !== undefined) return { source: { digest: head.digest, mediaType: head.mediaType } };
  const manifest = await getManifest(source, reference, signal);
  return manifest && { source: { digest: manifest.digest, mediaType: manifest.mediaType }, manifest };
}
