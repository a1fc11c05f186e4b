import type { Digest } from "../digest.ts";
import { decideCosignTag } from "../domain/cosign-tags.ts";
import type { Conflict } from "../domain/import-spec.ts";
import { readReferrer } from "../domain/referrer.ts";
import type { ReferrerEntry } from "../domain/referrers-index.ts";
import { ImportError } from "../errors.ts";
import { type PutManifestOutcome, putManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";
import type { MaintainReferrers } from "./maintain-referrers.ts";
import { mapConcurrently } from "./map-concurrently.ts";
import { putSmallBlob } from "./put-small-blob.ts";
import type { UpdateTag } from "./update-tag.ts";
import type { GiveUp } from "./upload-canceller.ts";

/** A manifest with the exact bytes that its digest is of. */
export interface ManifestContent {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  /** The cosign tags that are to hold it, or what is united with it. */
  readonly tags?: readonly string[];
}

export interface PublishDeps {
  readonly updateTag: UpdateTag;
  readonly maintainReferrers: MaintainReferrers;
  readonly giveUp: GiveUp;
}

export interface PublishRequest {
  readonly manifests: readonly ManifestContent[];
  readonly targets: readonly Repository[];
  readonly conflict: Conflict;
}

/** A manifest that a target did not take, since it lacks what the manifest refers to. */
export interface RefusedManifest {
  readonly target: Repository;
  readonly manifest: ManifestContent;
  readonly error: ImportError;
}

/** Returns what was refused for want of content; the others are there. */
export type PublishManifests = (request: PublishRequest, signal: AbortSignal) => Promise<readonly RefusedManifest[]>;

const parallelPuts = 8;

/**
 * Puts manifests by digest into each of the repositories. They may refer only to what is there already: children of an
 * index are published by an earlier call. Where the registry does not list referrers itself their list is kept here.
 */
export function createPublishManifests({ updateTag, maintainReferrers, giveUp }: PublishDeps): PublishManifests {
  /** Also stores the manifest, in the repository that the tag is in, unless the tag has to hold something else. */
  const putCosignTag = async ({ target, tag, manifest, conflict }: CosignPut, signal: AbortSignal): Promise<void> => {
    const sbom = conflict === "overwrite" ? "replace" : "keep";
    const change = async (current: { readonly bytes: Uint8Array } | undefined) => {
      const decision = decideCosignTag({ tag, current: current?.bytes, wanted: manifest.bytes, sbom });
      if (decision.kind === "keep") return undefined;
      if (decision.kind === "put") return manifest;
      await putSmallBlob({ giveUp }, target, decision.config, signal);
      return { bytes: decision.bytes, mediaType: manifest.mediaType };
    };
    await updateTag({ target, tag, change }, signal);
  };

  return async ({ manifests, targets, conflict }, signal) => {
    const puts = targets.flatMap((target) => manifests.map((manifest) => ({ target, manifest })));
    const refused: RefusedManifest[] = [];
    const referrers = await mapConcurrently(puts, parallelPuts, async ({ target, manifest }) => {
      const { digest, tags = [] } = manifest;
      const { subject, ...facts } = readReferrer(manifest.bytes);
      const put = await putUnlessIncomplete({ target, reference: digest, manifest }, refused, signal);
      if (put === undefined) return [];
      for (const tag of tags) await putCosignTag({ target, tag, manifest, conflict }, signal);
      return subject === undefined
        ? []
        : [{ target, subject, entry: toEntry(manifest, facts), isClaimed: claims(put) }];
    });
    await maintainReferrers(referrers.flat(), signal);
    return refused;
  };
}

interface ManifestPut {
  readonly target: Repository;
  /** Tag or digest. */
  readonly reference: string;
  readonly manifest: ManifestContent;
}

/** Puts a manifest; one that the target does not take for want of content is added to `refused` instead. */
export async function putUnlessIncomplete(
  { target, reference, manifest }: ManifestPut,
  refused: RefusedManifest[],
  signal: AbortSignal,
): Promise<PutManifestOutcome | undefined> {
  try {
    return await putManifest(target, reference, manifest, signal);
  } catch (thrown) {
    if (!(thrown instanceof ImportError) || thrown.code !== "TARGET_CONTENT_MISSING") throw thrown;
    refused.push({ target, manifest, error: thrown });
    return undefined;
  }
}

interface CosignPut {
  readonly target: Repository;
  readonly tag: string;
  readonly manifest: ManifestContent;
  readonly conflict: Conflict;
}

/** Whether the registry says that it lists the manifest that was put. */
export function claims(put: PutManifestOutcome): boolean {
  return put.kind === "stored" && put.listedFor !== undefined;
}

/** What a list of referrers says of a manifest. OCI distribution-spec 1.1, "Pushing Manifests with Subject". */
export function toEntry(
  { digest, mediaType, bytes }: ManifestContent,
  { artifactType, annotations }: Pick<ReferrerEntry, "artifactType" | "annotations">,
): ReferrerEntry {
  return {
    ...{ mediaType, digest, size: bytes.byteLength },
    ...(artifactType && { artifactType }),
    ...(annotations && { annotations }),
  };
}
