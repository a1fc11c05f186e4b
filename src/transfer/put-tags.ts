import { type Digest, digestOf } from "../digest.ts";
import { decideTag } from "../domain/conflict.ts";
import type { Conflict } from "../domain/import-spec.ts";
import { readReferrer } from "../domain/referrer.ts";
import { ImportError } from "../errors.ts";
import { getManifest, putManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";
import type { MaintainReferrers } from "./maintain-referrers.ts";
import { mapConcurrently } from "./map-concurrently.ts";
import { placeOf } from "./place-of.ts";
import { claims, type ManifestContent, toEntry } from "./publish-manifests.ts";
import { readTag } from "./read-tag.ts";

export interface PutTagsDeps {
  readonly maintainReferrers: MaintainReferrers;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface TagRequest {
  readonly manifest: ManifestContent;
  readonly tags: readonly { readonly target: Repository; readonly tag: string }[];
  /** `overwrite` moves a tag that is elsewhere; the others refuse to. */
  readonly conflict: Conflict;
  /** `manifest`: each tag is read again afterwards, to its last byte. */
  readonly verify: "manifest" | "none";
}

const parallelTags = 8;

/**
 * Lets tags point to a manifest. Each is looked at right before: one that holds the digest already is left alone, one
 * that holds another digest fails with `TARGET_TAG_EXISTS` unless it may be overwritten. Between that look and the PUT
 * another writer may still come: registries have no conditional PUT.
 */
export function createPutTags(deps: PutTagsDeps) {
  const { maintainReferrers } = deps;
  return async ({ manifest, tags, conflict, verify }: TagRequest, signal: AbortSignal): Promise<void> => {
    await mapConcurrently(tags, parallelTags, async ({ target, tag }) => {
      const before = await readTag(target, tag, manifest.digest, signal);
      const decision = decideTag({
        policy: conflict,
        plannedDigest: manifest.digest,
        target: { repository: target.name, tag, digest: before },
        at: placeOf(target),
      });
      if (decision.kind === "failed") throw decision.error;
      if (decision.kind === "put") {
        const put = await putManifest(target, tag, manifest, signal);
        const { subject, ...facts } = readReferrer(manifest.bytes);
        const referrer = { target, entry: toEntry(manifest, facts), isClaimed: claims(put) };
        if (subject !== undefined) await maintainReferrers([{ ...referrer, subject }], signal);
      }
      if (verify === "manifest") await assertTagged(deps, { target, tag, manifest }, signal);
    });
  };
}

interface Tagged {
  readonly target: Repository;
  readonly tag: string;
  readonly manifest: ManifestContent;
}

const readBacks = 4; // replicas of a registry may lag behind a moment
const readBackMs = 1_000;

async function assertTagged(
  deps: Pick<PutTagsDeps, "sleep">,
  { target, tag, manifest }: Tagged,
  signal: AbortSignal,
): Promise<void> {
  let found: Digest | undefined;
  for (let reads = 1; reads <= readBacks; reads += 1) {
    const read = await getManifest(target, tag, signal);
    found = read && digestOf(read.bytes, manifest.digest);
    if (found === manifest.digest) return;
    if (reads < readBacks) await deps.sleep(readBackMs, signal);
  }
  throw new ImportError({
    ...placeOf(target),
    code: "TARGET_DIGEST_REJECTED",
    digest: manifest.digest,
    what: `${target.name}:${tag} is ${found ?? "missing"} after it was put as ${manifest.digest}`,
    hint: "another writer may have moved the tag",
  });
}
