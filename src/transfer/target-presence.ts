import type { Descriptor } from "../descriptor.ts";
import type { Digest } from "../digest.ts";
import { headManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";
import { repositoryExists } from "../registry/tags.ts";
import { hasBlob } from "./has-blob.ts";
import { mapConcurrently } from "./map-concurrently.ts";

export interface PresenceQuestion {
  readonly targets: readonly Repository[];
  /** Targets known to hold something: no need to ask whether they exist. */
  readonly isKnown: (target: number) => boolean;
  readonly manifests: readonly Digest[];
  readonly blobs: readonly Descriptor[];
}

/** What a target repository holds already, by position of the repository. */
export interface Presence {
  readonly hasManifest: (target: number, digest: Digest) => boolean;
  readonly hasBlob: (target: number, digest: Digest) => boolean;
}

const parallelRequests = 16;

/**
 * One HEAD per manifest and blob: a manifest that is there says nothing about its blobs (an interrupted push, a cache
 * that was cleaned). A repository that does not exist needs none.
 */
export async function findPresent(question: PresenceQuestion, signal: AbortSignal): Promise<Presence> {
  const { targets, isKnown, manifests, blobs } = question;
  const manifestsThere = targets.map(() => new Set<Digest>());
  const blobsThere = targets.map(() => new Set<Digest>());
  const existing = await mapConcurrently([...targets.entries()], parallelRequests, async ([at, target]) =>
    isKnown(at) || (await repositoryExists(target, signal)) ? [{ at, target }] : [],
  );
  const heads = existing.flat().flatMap(({ at, target }) => [
    ...manifests.map((digest) => async () => {
      if ((await headManifest(target, digest, signal)) !== undefined) manifestsThere[at]?.add(digest);
    }),
    ...blobs.map(({ digest, size }) => async () => {
      if (await hasBlob(target, { digest, sizeBytes: size }, signal)) blobsThere[at]?.add(digest);
    }),
  ]);
  await mapConcurrently(heads, parallelRequests, (head) => head());
  return {
    hasManifest: (target, digest) => manifestsThere[target]?.has(digest) ?? false,
    hasBlob: (target, digest) => blobsThere[target]?.has(digest) ?? false,
  };
}
