import { algorithmOf, type Digest, digestOf } from "../digest.ts";
import type { FoundDigest } from "../domain/conflict.ts";
import { getManifest, headManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";

/**
 * The digest that a tag holds, in the algorithm of `want`: registries answer with sha256 whatever was pushed.
 */
export async function readTag(
  repository: Repository,
  tag: string,
  want: Digest,
  signal: AbortSignal,
): Promise<FoundDigest> {
  const head = await headManifest(repository, tag, signal);
  if (head === undefined) return undefined;
  if (head.isWithheld) return "withheld";
  if (head.digest !== undefined && algorithmOf(head.digest) === algorithmOf(want)) return head.digest;
  const manifest = await getManifest(repository, tag, signal);
  return manifest && digestOf(manifest.bytes, want);
}
