import type { Digest } from "../digest.ts";
import type { ImportSpec } from "../domain/import-spec.ts";
import type { Repository } from "../registry/registry.ts";
import type { ReadManifest } from "./read-manifest.ts";
import type { WalkedGraph } from "./walk-graph.ts";
import { type WalkedReferrer, walkReferrers } from "./walk-referrers.ts";

/** An image together with what travels along. */
export interface Cargo extends Omit<WalkedGraph, "manifests"> {
  /** The root first. */
  readonly manifests: readonly WalkedReferrer[];
  readonly tags: ReadonlyMap<Digest, readonly string[]>;
  /** `byDigest`: something refers to the root, which is in the levels then. */
  readonly rootIs: "tagged" | "byDigest";
  /** The manifests and blobs of the image itself. */
  readonly own: ReadonlySet<Digest>;
}

export interface CargoRequest {
  readonly readManifest: ReadManifest;
  readonly spec: Pick<ImportSpec, "referrers" | "foreignLayers">;
  readonly source: Repository;
  readonly root: Digest;
  /** The digest that the root has at the source. */
  readonly original: Digest;
  readonly graph: WalkedGraph;
}

/** Adds to an image the referrers that were asked for. */
export async function loadCargo(request: CargoRequest, signal: AbortSignal): Promise<Cargo> {
  const { spec, source, readManifest, root, original, graph } = request;
  const own = new Set([...graph.manifests, ...graph.blobs].map(({ digest }) => digest));
  const alone = { ...graph, tags: new Map(), rootIs: "tagged", own } as const;
  if (spec.referrers === undefined) return alone;
  const along = await walkReferrers(
    {
      source,
      readManifest,
      image: graph.manifests.map(({ digest }) => digest),
      rewritten: root === original ? [] : [{ digest: root, original }],
      artifactTypes: spec.referrers.artifactTypes,
      foreignLayers: spec.foreignLayers,
    },
    signal,
  );
  const isReferredTo = along.subjects.has(root) || along.tags.has(root);
  const blobs = along.blobs.filter(({ digest }) => !own.has(digest));
  return {
    ...{ own, tags: along.tags },
    manifests: [...graph.manifests, ...along.manifests],
    blobs: [...graph.blobs, ...blobs],
    levels: [...graph.levels, ...(isReferredTo ? [[root]] : []), ...along.levels],
    rootIs: isReferredTo ? "byDigest" : "tagged",
    warnings: [...graph.warnings, ...along.warnings],
  };
}
