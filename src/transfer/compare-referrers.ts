import type { Digest } from "../digest.ts";
import { below, type ImageTree, placesOf } from "../domain/image-tree.ts";
import type { Difference } from "../domain/verification.ts";
import type { Repository } from "../registry/registry.ts";
import { createFindReferrers, type FoundReferrer } from "./find-referrers.ts";
import { mapConcurrently } from "./map-concurrently.ts";

export interface ReferrersToCompare {
  readonly source: ReferrersSide;
  readonly target: ReferrersSide;
  readonly warn: (warning: string) => void;
}

interface ReferrersSide {
  readonly repository: Repository;
  readonly tree: ImageTree;
}

const parallelRequests = 8;

/**
 * What belongs to the manifests that both sides have: signatures, SBOMs, attestations, of which the target lacks one or
 * holds another under a cosign tag. More at the target is no difference: it may be signed there. What a referrer consists
 * of is not looked into.
 */
export async function compareReferrers(
  { source, target, warn }: ReferrersToCompare,
  signal: AbortSignal,
): Promise<readonly Difference[]> {
  const [atSource, atTarget] = [source, target].map(({ repository }) =>
    createFindReferrers({ source: repository, artifactTypes: undefined, warn }),
  );
  if (atSource === undefined || atTarget === undefined) return [];
  const common = [...source.tree.nodes.keys()].filter((digest) => target.tree.nodes.has(digest));
  if (!common.includes(source.tree.root)) warn("referrers of the root were not compared: it has another digest");
  const places = placesOf(source.tree);
  const found = await mapConcurrently(common, parallelRequests, async (subject) => {
    const [there, here] = await Promise.all([atSource(subject, signal), atTarget(subject, signal)]);
    const extra = here.filter(
      ({ digest, tag }) => !there.some((one) => one.tag === tag && (tag || one.digest === digest)),
    );
    if (extra.length > 0) warn(`the target has ${extra.length} more referrers of ${subject}`);
    return there.flatMap((referrer) => toDifference(referrer, here, places.get(subject) ?? ""));
  });
  return found.flat();
}

function toDifference(
  { digest, artifactType, tag }: FoundReferrer,
  atTarget: readonly FoundReferrer[],
  path: string,
): readonly Difference[] {
  const isThere = atTarget.some((one) => one.digest === digest && one.tag === tag);
  if (isThere) return [];
  const other: Digest | undefined = tag === undefined ? undefined : atTarget.find((one) => one.tag === tag)?.digest;
  const name = tag ?? artifactType ?? "referrer";
  return [
    {
      ...{ kind: "referrer", path: below(path, name), digest, source: digest },
      ...(other !== undefined && { target: other }),
      message: other === undefined ? `the target does not list ${name}` : `the target has another ${name}`,
    },
  ];
}
