import type { Digest } from "../digest.ts";
import type { ImportSpec } from "../domain/import-spec.ts";
import { type ErrorCode, ImportError } from "../errors.ts";
import { getManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";
import { both } from "./both.ts";
import { createReadManifest } from "./read-manifest.ts";
import { selectPlatforms } from "./select-platforms.ts";
import { findPresent } from "./target-presence.ts";
import { walkGraph } from "./walk-graph.ts";

export interface CompleteQuestion {
  readonly targets: readonly Repository[];
  /** What the tags hold. */
  readonly root: Digest;
  /** With platforms only their children are looked for: a sparse index leaves the others out on purpose. */
  readonly spec: Pick<ImportSpec, "platforms" | "sparseIndex">;
}

/**
 * Whether an image whose root every target holds can be pulled from them: whether all that it refers to is there, by
 * one GET per manifest at the first target and one HEAD for the rest. The source is not asked: Docker Hub would count
 * that as pulls.
 */
export async function isCompleteAtTargets(
  { targets, root, spec }: CompleteQuestion,
  signal: AbortSignal,
): Promise<boolean> {
  const [first, ...others] = targets;
  if (first === undefined) return true;
  try {
    const manifest = await getManifest(first, root, signal);
    if (manifest === undefined) return false;
    const { platforms } = spec.sparseIndex ? spec : {};
    const readManifest = createReadManifest(first);
    const selected =
      platforms && (await selectPlatforms(first, manifest, { platforms, index: "sparse", readManifest }, signal));
    const graph = await walkGraph(
      {
        source: first,
        root: manifest,
        foreignLayers: "auto", // one that is not there was left out
        readManifest,
        selectChildren: (index, digest) => (digest === root && selected ? selected.kept : index.children),
      },
      signal,
    );
    const manifests = graph.manifests.map(({ digest }) => digest);
    const { blobs } = graph;
    const isKnown = () => true;
    const [here, there] = await both(
      (joined) => findPresent({ targets: [first], isKnown, manifests: [], blobs }, joined), // its manifests have just come from there
      (joined) => findPresent({ targets: others, isKnown, manifests, blobs }, joined),
      signal,
    );
    return (
      blobs.every(({ digest }) => here.hasBlob(0, digest)) &&
      [...others.keys()].every(
        (at) =>
          manifests.every((digest) => there.hasManifest(at, digest)) &&
          blobs.every(({ digest }) => there.hasBlob(at, digest)),
      )
    );
  } catch (thrown) {
    if (thrown instanceof ImportError && incomplete.includes(thrown.code)) return false;
    if (thrown instanceof ImportError && closed.includes(thrown.code)) return true; // not to be looked into
    throw thrown;
  }
}

const closed: readonly ErrorCode[] = ["UNSUPPORTED_MEDIA_TYPE", "TARGET_QUARANTINED"];
const incomplete: readonly ErrorCode[] = ["TARGET_CONTENT_MISSING", "TARGET_CONTENT_CORRUPT", "PLATFORM_NOT_FOUND"];
