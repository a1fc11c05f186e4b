import type { Digest } from "../digest.ts";
import { decideCosignTag } from "../domain/cosign-tags.ts";
import type { Conflict } from "../domain/import-spec.ts";
import { getManifest } from "../registry/manifests.ts";
import { getTaggedReferrers, listReferrers } from "../registry/referrers.ts";
import type { Repository } from "../registry/registry.ts";
import { mapConcurrently } from "./map-concurrently.ts";
import type { Presence } from "./target-presence.ts";

/** A manifest that is not only to be there: it is to be listed for its subject, and under cosign tags. */
export interface ToSettle {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly subject?: Digest;
  readonly tags: readonly string[];
}

export interface SettledQuestion {
  readonly targets: readonly Repository[];
  readonly manifests: readonly ToSettle[];
  readonly present: Presence;
  readonly conflict: Conflict;
}

export interface Settled {
  readonly isSettled: (target: number, digest: Digest) => boolean;
  readonly warnings: readonly string[];
}

const parallelRequests = 8;

/**
 * Which manifests need no publishing at a target: an import that was interrupted may have put one and not listed it, and
 * a signature may be there in a manifest with others. Asks nothing about what is not there anyway.
 */
export async function findSettled(question: SettledQuestion, signal: AbortSignal): Promise<Settled> {
  const { targets, manifests, present, conflict } = question;
  const warnings = new Set<string>();
  const settled = targets.map(() => new Set<Digest>());
  const lists = new Map<string, Promise<ReadonlySet<Digest>>>();
  const listedAt = (at: number, target: Repository, subject: Digest): Promise<ReadonlySet<Digest>> => {
    const name = `${at} ${subject}`;
    const list = lists.get(name) ?? readList(target, subject, signal);
    lists.set(name, list);
    return list;
  };
  const holds = async (target: Repository, tag: string, wanted: Uint8Array): Promise<boolean> => {
    const current = await getManifest(target, tag, signal);
    const sbom = conflict === "overwrite" ? "replace" : "keep";
    const decision = decideCosignTag({ tag, current: current?.bytes, wanted, sbom });
    if (decision.kind !== "keep") return false;
    if (tag.endsWith(".sbom") && !Buffer.from(wanted).equals(current?.bytes ?? wanted)) {
      warnings.add(`${target.name}:${tag} holds another SBOM, which is kept: conflict "overwrite" replaces it`);
    }
    return true;
  };
  const questions = [...targets.entries()].flatMap(([at, target]) =>
    manifests.map((manifest) => ({ at, target, manifest })),
  );
  await mapConcurrently(questions, parallelRequests, async ({ at, target, manifest }) => {
    const { digest, bytes, subject, tags } = manifest;
    const isUnited = subject === undefined && tags.length > 0; // then what its tags hold is all that counts
    if (!isUnited && !present.hasManifest(at, digest)) return;
    if (subject !== undefined && !(await listedAt(at, target, subject)).has(digest)) return;
    for (const tag of tags) if (!(await holds(target, tag, bytes))) return;
    settled[at]?.add(digest);
  });
  return { isSettled: (target, digest) => settled[target]?.has(digest) ?? false, warnings: [...warnings] };
}

async function readList(target: Repository, subject: Digest, signal: AbortSignal): Promise<ReadonlySet<Digest>> {
  const api = await listReferrers(target, { subject }, signal);
  const listed = api.kind === "listed" ? api.referrers : [];
  const referrers = listed.length > 0 ? listed : await getTaggedReferrers(target, subject, signal);
  return new Set(referrers?.map(({ digest }) => digest));
}
