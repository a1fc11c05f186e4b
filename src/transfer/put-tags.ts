import { decideTag } from "../domain/conflict.ts";
import type { Conflict } from "../domain/import-spec.ts";
import { readReferrer } from "../domain/referrer.ts";
import type { Repository } from "../registry/registry.ts";
import { assertStored } from "./assert-stored.ts";
import type { MaintainReferrers } from "./maintain-referrers.ts";
import { mapConcurrently } from "./map-concurrently.ts";
import { placeOf } from "./place-of.ts";
import {
  claims,
  type ManifestContent,
  putUnlessIncomplete,
  type RefusedManifest,
  toEntry,
} from "./publish-manifests.ts";
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

export interface PutTagsOutcome {
  /** For want of content. */
  readonly refused: readonly RefusedManifest[];
  readonly warnings: readonly string[];
}

const parallelTags = 8;

/**
 * Lets tags point to a manifest. Each is looked at right before: one that holds the digest already is left alone, one
 * that holds another digest fails with `TARGET_TAG_EXISTS` unless it may be overwritten. Between that look and the PUT
 * another writer may still come: registries have no conditional PUT.
 */
export function createPutTags(deps: PutTagsDeps) {
  const { maintainReferrers } = deps;
  return async ({ manifest, tags, conflict, verify }: TagRequest, signal: AbortSignal): Promise<PutTagsOutcome> => {
    const refused: RefusedManifest[] = [];
    const warnings = await mapConcurrently(tags, parallelTags, async ({ target, tag }) => {
      const before = await readTag(target, tag, manifest.digest, signal);
      const decision = decideTag({
        policy: conflict,
        plannedDigest: manifest.digest,
        target: { repository: target.name, tag, digest: before },
        at: placeOf(target),
      });
      if (decision.kind === "failed") throw decision.error;
      if (decision.kind === "put") {
        const put = await putUnlessIncomplete({ target, reference: tag, manifest }, refused, signal);
        if (put === undefined) return [];
        const { subject, ...facts } = readReferrer(manifest.bytes);
        const referrer = { target, entry: toEntry(manifest, facts), isClaimed: claims(put) };
        if (subject !== undefined) await maintainReferrers([{ ...referrer, subject }], signal);
      }
      return verify === "none" ? [] : await assertStored(deps, { target, reference: tag, manifest }, signal);
    });
    return { refused, warnings: warnings.flat() };
  };
}
