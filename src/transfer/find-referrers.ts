import type { Digest } from "../digest.ts";
import { cosignTags } from "../domain/cosign-tags.ts";
import { getManifest, headManifest } from "../registry/manifests.ts";
import {
  getTaggedReferrers,
  listReferrers,
  type ReferrerDescriptor,
  type ReferrersAnswer,
  referrersTag,
} from "../registry/referrers.ts";
import type { Repository } from "../registry/registry.ts";
import { both } from "./both.ts";
import { mapConcurrently } from "./map-concurrently.ts";

/** One manifest that belongs to another. */
export interface FoundReferrer {
  readonly digest: Digest;
  readonly subject: Digest;
  /** The type that a list gives it. */
  readonly artifactType?: string;
  /** Found under this cosign tag; absent: a list of referrers names it. */
  readonly tag?: string;
}

export interface FindReferrersDeps {
  readonly source: Repository;
  readonly artifactTypes: readonly string[] | undefined;
  readonly warn: (warning: string) => void;
}

/**
 * Finds what belongs to a manifest: by the referrers API, where that is missing or lists nothing by the fallback tag
 * (some registries answer an empty list and have no API, sigstore/sigstore-js#1187), and by cosign's tags. One that has
 * found the API missing does not ask for it again.
 */
export function createFindReferrers({ source, artifactTypes, warn }: FindReferrersDeps) {
  const [onlyType, ...otherTypes] = artifactTypes ?? [];
  const artifactType = otherTypes.length === 0 ? onlyType : undefined;
  let api: ReferrersAnswer["kind"] = "listed";

  const list = async (subject: Digest, signal: AbortSignal): Promise<readonly ReferrerDescriptor[]> => {
    if (api === "listed") {
      const answer = await listReferrers(source, { subject, artifactType }, signal);
      if (answer.kind === "listed" && answer.referrers.length > 0) return answer.referrers;
      api = answer.kind;
    }
    const tagged = await getTaggedReferrers(source, subject, signal);
    if (tagged === undefined) warn(`${source.name}:${referrersTag(subject)} is no list of referrers: it is left out`);
    return tagged ?? [];
  };

  return async (subject: Digest, signal: AbortSignal): Promise<readonly FoundReferrer[]> => {
    const [listed, tagged] = await both(
      (joined) => list(subject, joined),
      (joined) => findTagged(source, subject, joined),
      signal,
    );
    const isWanted = (type: string | undefined) =>
      type === undefined || artifactTypes === undefined || artifactTypes.includes(type);
    return [
      ...listed
        .filter((entry) => isWanted(entry.artifactType))
        .map(({ digest, artifactType: type }) => ({ digest, subject, ...(type && { artifactType: type }) })),
      ...tagged,
    ];
  };
}

async function findTagged(source: Repository, subject: Digest, signal: AbortSignal): Promise<readonly FoundReferrer[]> {
  const tags = cosignTags(subject);
  const found = await mapConcurrently(tags, tags.length, async (tag) => {
    const head = await headManifest(source, tag, signal); // Docker Hub counts only GETs as pulls
    const digest = head && (head.digest ?? (await getManifest(source, tag, signal))?.digest);
    return digest === undefined ? [] : [{ digest, subject, tag }];
  });
  return found.flat();
}
