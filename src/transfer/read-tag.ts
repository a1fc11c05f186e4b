import { algorithmOf, type Digest, digestOf } from "../digest.ts";
import type { FoundDigest } from "../domain/conflict.ts";
import { getManifest, headManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";

/**
 * The digest that a tag holds, in the algorithm of `want`, if any: registries answer with sha256 whatever was pushed. One
 * that a HEAD does not tell (Artifactory 7.41, deitch/docker_registry2#83; proxies that drop the header) is read by GET.
 */
export async function readTag(
  repository: Repository,
  tag: string,
  want: Digest | undefined,
  signal: AbortSignal,
): Promise<FoundDigest> {
  const head = await headManifest(repository, tag, signal);
  if (head === undefined) return undefined;
  if (head.isWithheld) return "withheld";
  const isEnough = want === undefined || (head.digest && algorithmOf(head.digest) === algorithmOf(want));
  if (head.digest !== undefined && isEnough) return head.digest;
  const manifest = await getManifest(repository, tag, signal);
  return manifest && (want === undefined ? manifest.digest : digestOf(manifest.bytes, want));
}
