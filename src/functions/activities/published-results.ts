import type { Digest } from "../../digest.ts";
import type { PartResult } from "../../store/parts.ts";

export interface PublishedManifests {
  readonly digests: readonly Digest[];
  /** How many target repositories they were put into: all of them. */
  readonly targets: number;
  /** What it took to put them all. */
  readonly ms: number;
}

/** What the rows of manifests are to say that were put. */
export function publishedResults({ digests, targets, ms }: PublishedManifests): readonly PartResult[] {
  return Array.from({ length: targets }, (_, target) =>
    digests.map((digest) => ({ kind: "manifest", target, digest, via: "copied", ms, attempts: 1 }) as const),
  ).flat();
}
