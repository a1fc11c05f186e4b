import { mediaTypes } from "../descriptor.ts";
import { type Digest, digestOf } from "../digest.ts";
import { addReferrers, type ReferrerEntry } from "../domain/referrers-index.ts";
import { ImportError } from "../errors.ts";
import { createRecentMap } from "../registry/recent-map.ts";
import { listReferrers, referrersTag } from "../registry/referrers.ts";
import type { Repository } from "../registry/registry.ts";
import { mapConcurrently } from "./map-concurrently.ts";
import { placeOf } from "./place-of.ts";
import type { UpdateTag } from "./update-tag.ts";

/** A referrer that was put. */
export interface PutReferrer {
  readonly target: Repository;
  readonly subject: Digest;
  readonly entry: ReferrerEntry;
  /** The registry has said that it lists it (OCI-Subject). */
  readonly isClaimed: boolean;
}

export type MaintainReferrers = (referrers: readonly PutReferrer[], signal: AbortSignal) => Promise<void>;

const parallelSubjects = 8;
const maxTrusted = 1_000;

/**
 * Keeps the lists of referrers that the registry does not keep: the index under the fallback tag of each subject. What
 * registries say of themselves does not always hold: some send OCI-Subject and have no API (sigstore/sigstore-js#1183),
 * some answer 200 at the API's path and list nothing (#1187), some list and do not send it. So the registry keeps a list
 * when it does list, or when it says so and has the API; that is asked for once per host.
 * Source: OCI distribution-spec 1.1, "Pushing Manifests with Subject".
 */
export function createMaintainReferrers({ updateTag }: { readonly updateTag: UpdateTag }): MaintainReferrers {
  const trusted = createRecentMap<true>(maxTrusted);

  const isKept = async ({ target, subject, entries, isClaimed }: Group, signal: AbortSignal): Promise<boolean> => {
    const { apiHost } = target.registry;
    if (isClaimed && trusted.get(apiHost)) return true;
    const api = await listReferrers(target, { subject }, signal);
    if (api.kind === "missing") return false;
    if (isClaimed) trusted.set(apiHost, true);
    const listed = new Set(api.referrers.map(({ digest }) => digest));
    return isClaimed || entries.every(({ digest }) => listed.has(digest));
  };

  return async (referrers, signal) => {
    await mapConcurrently(groupBySubject(referrers), parallelSubjects, async (group) => {
      if (await isKept(group, signal)) return;
      const { target, subject, entries } = group;
      const tag = referrersTag(subject);
      const change = async (current: { readonly bytes: Uint8Array } | undefined) => {
        if (current !== undefined && digestOf(current.bytes, subject) === subject) throw takenForSubject(target, tag);
        const bytes = addReferrers(current?.bytes, entries);
        if (bytes === "foreign") throw foreignTag(target, tag);
        return bytes && { bytes, mediaType: mediaTypes.ociIndex };
      };
      await updateTag({ target, tag, change }, signal);
    });
  };
}

interface Group {
  readonly target: Repository;
  readonly subject: Digest;
  readonly entries: ReferrerEntry[];
  /** Of all of them. */
  readonly isClaimed: boolean;
}

function groupBySubject(referrers: readonly PutReferrer[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const { target, subject, entry, isClaimed } of referrers) {
    const name = `${target.registry.apiHost}/${target.name}@${subject}`;
    const known = groups.get(name);
    groups.set(name, {
      ...{ target, subject },
      entries: [...(known?.entries ?? []), entry],
      isClaimed: isClaimed && known?.isClaimed !== false,
    });
  }
  return [...groups.values()];
}

function foreignTag(target: Repository, tag: string): ImportError {
  return new ImportError({
    ...placeOf(target),
    code: "TARGET_TAG_EXISTS",
    what: `${target.name}:${tag} is to hold the list of referrers and holds something else`,
    hint: "the tag belongs to the OCI referrers tag schema: see what it holds and move it elsewhere, or import without referrers",
  });
}

/** Source: oras-project/oras-go#1396, oras-project/oras#2148 (GitLab). */
function takenForSubject(target: Repository, tag: string): ImportError {
  return new ImportError({
    ...placeOf(target),
    code: "TARGET_TAG_EXISTS",
    what: `${target.name}:${tag} is to hold the list of referrers and stands for the image itself`,
    hint: "the registry has no referrers API and takes that tag for a digest, as GitLab does: import without referrers",
  });
}
