import { mediaTypes } from "../descriptor.ts";
import type { Digest } from "../digest.ts";
import { addReferrers, type ReferrerEntry } from "../domain/referrers-index.ts";
import { ImportError } from "../errors.ts";
import { listReferrers, referrersTag } from "../registry/referrers.ts";
import type { Repository } from "../registry/registry.ts";
import { mapConcurrently } from "./map-concurrently.ts";
import { placeOf } from "./place-of.ts";
import type { UpdateTag } from "./update-tag.ts";

/** A manifest that was put, and whose registry did not say that it lists it as a referrer of its subject. */
export interface UnlistedReferrer {
  readonly target: Repository;
  readonly subject: Digest;
  readonly entry: ReferrerEntry;
}

export type MaintainReferrers = (unlisted: readonly UnlistedReferrer[], signal: AbortSignal) => Promise<void>;

const parallelSubjects = 8;

/**
 * Keeps the lists of referrers that the registry does not keep: the index under the fallback tag of each subject.
 * A missing OCI-Subject alone says nothing (ECR has the API and sends none): the API is asked first.
 * Source: OCI distribution-spec 1.1, "Pushing Manifests with Subject"; sigstore/sigstore-js#1183.
 */
export function createMaintainReferrers({ updateTag }: { readonly updateTag: UpdateTag }): MaintainReferrers {
  return async (unlisted, signal) => {
    await mapConcurrently(groupBySubject(unlisted), parallelSubjects, async ({ target, subject, entries }) => {
      const api = await listReferrers(target, { subject }, signal);
      if (api.kind === "listed") return; // whoever reads asks the API: a tag beside it would never be seen
      const tag = referrersTag(subject);
      const change = async (current: { readonly bytes: Uint8Array } | undefined) => {
        const bytes = addReferrers(current?.bytes, entries);
        if (bytes === "foreign") throw foreignTag(target, tag);
        return bytes && { bytes, mediaType: mediaTypes.ociIndex };
      };
      await updateTag({ target, tag, change }, signal);
    });
  };
}

function groupBySubject(unlisted: readonly UnlistedReferrer[]) {
  const groups = new Map<string, { target: Repository; subject: Digest; entries: ReferrerEntry[] }>();
  for (const { target, subject, entry } of unlisted) {
    const name = `${target.registry.apiHost}/${target.name}@${subject}`;
    const group = groups.get(name) ?? { target, subject, entries: [] };
    group.entries.push(entry);
    groups.set(name, group);
  }
  return [...groups.values()];
}

function foreignTag(target: Repository, tag: string): ImportError {
  return new ImportError({
    ...placeOf(target),
    code: "TARGET_TAG_EXISTS",
    what: `${target.name}:${tag} is to hold the list of referrers and holds something else`,
    hint: "the tag belongs to the OCI referrers tag schema: delete it, or import without referrers",
  });
}
