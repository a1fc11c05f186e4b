import type { Digest } from "../digest.ts";
import { type ImageTree, placesOf } from "../domain/image-tree.ts";
import type { Platform } from "../domain/import-spec.ts";
import { type ChildDescriptor, parseManifest } from "../domain/manifest.ts";
import type { Difference } from "../domain/verification.ts";
import type { ImportError } from "../errors.ts";
import { codeOf } from "../registry/errors-from-response.ts";
import type { FetchedManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";
import type { BlobReaderDeps } from "./blob-reader.ts";
import { mapConcurrently } from "./map-concurrently.ts";
import { placeOf } from "./place-of.ts";
import { createReadManifest } from "./read-manifest.ts";
import { selectPlatforms } from "./select-platforms.ts";
import { findPresent } from "./target-presence.ts";
import { isContentFault, verifyBlob } from "./verify-blob.ts";
import { type WalkedBlob, walkGraph } from "./walk-graph.ts";

/** What one side has of an image, as far as its documents tell. */
export interface Look {
  readonly repository: Repository;
  readonly tree: ImageTree;
  readonly blobs: readonly WalkedBlob[];
  /** Manifests that are missing or wrong. */
  readonly faults: ReadonlyMap<Digest, ImportError>;
}

/** Content that a side refers to and does not hold (undefined: no more is known), or holds wrongly. */
export type Faults = ReadonlyMap<Digest, ImportError | undefined>;

/** Reads all manifests of a side, of the platforms asked for. */
export async function lookInto(
  repository: Repository,
  { root, platforms }: { readonly root: FetchedManifest; readonly platforms: readonly Platform[] | undefined },
  signal: AbortSignal,
): Promise<Look> {
  const readManifest = createReadManifest(repository);
  const selected =
    platforms && (await selectPlatforms(repository, root, { platforms, index: "sparse", readManifest }, signal));
  const chosen = new Map<Digest, readonly ChildDescriptor[]>();
  const faults = new Map<Digest, ImportError>();
  const graph = await walkGraph(
    {
      source: repository,
      root,
      foreignLayers: "auto", // one that a registry does not serve is nothing that it lacks
      readManifest,
      selectChildren: (index, digest) => {
        const children = digest === root.digest && selected ? selected.kept : index.children;
        chosen.set(digest, children);
        return children;
      },
      onFault: (digest, error) => faults.set(digest, error),
    },
    signal,
  );
  const nodes = new Map(
    graph.manifests.map(({ digest, bytes, mediaType }) => {
      const parsed = parseManifest(bytes, mediaType, placeOf(repository));
      return [digest, { ...parsed, children: chosen.get(digest) ?? [] }];
    }),
  );
  return { repository, tree: { root: root.digest, nodes }, blobs: graph.blobs, faults };
}

/** How blobs are checked. */
export interface CheckBlobsDeps {
  readonly reader: BlobReaderDeps;
  readonly parallelBlobs: number;
  /** `content`: they are read and hashed; `presence`: the registry is asked whether it has them. */
  readonly how: "content" | "presence";
}

export interface CheckedBlobs {
  readonly faults: Faults;
  /** Read and hashed. */
  readonly bytes: number;
}

/** Looks for blobs at one side, or reads them. */
export async function checkBlobs(
  { reader, parallelBlobs, how }: CheckBlobsDeps,
  { repository, blobs }: Pick<Look, "repository" | "blobs">,
  signal: AbortSignal,
): Promise<CheckedBlobs> {
  if (how === "presence") {
    const present = await findPresent({ targets: [repository], isKnown: () => true, manifests: [], blobs }, signal);
    const missing = blobs.filter(({ digest }) => !present.hasBlob(0, digest));
    return { faults: new Map(missing.map(({ digest }) => [digest, undefined])), bytes: 0 };
  }
  const faults = new Map<Digest, ImportError>();
  let bytes = 0;
  const onChunk = (chunkBytes: number): void => {
    bytes += chunkBytes;
  };
  await mapConcurrently(blobs, parallelBlobs, async ({ digest, size }) => {
    try {
      await verifyBlob(reader, { repository, digest, sizeBytes: size, onChunk }, signal);
    } catch (thrown) {
      if (!isContentFault(thrown)) throw thrown;
      faults.set(digest, thrown);
    }
  });
  return { faults, bytes };
}

/** What is missing or wrong in an image at one side, by its place there. */
export function toDifferences({ repository, tree }: Look, faults: Faults): readonly Difference[] {
  if (faults.size === 0) return [];
  const places = placesOf(tree);
  return [...faults].map(([digest, error]) =>
    toDifference(repository, { digest, path: places.get(digest) ?? "", error }),
  );
}

/** One thing that a side refers to, and lacks or holds wrongly. */
export interface Fault {
  readonly digest: Digest;
  /** The root is `""`. */
  readonly path: string;
  readonly error: ImportError | undefined;
}

/** Says what is at fault at which side. */
export function toDifference(repository: Repository, { digest, path, error }: Fault): Difference {
  const { side, registry } = placeOf(repository);
  const isCorrupt = error !== undefined && error.code === codeOf(placeOf(repository), "CONTENT_CORRUPT");
  const other = side === "source" ? "target" : "source";
  return {
    ...{ kind: isCorrupt ? "corrupt" : "missing", path: path || "image", digest, [other]: digest },
    message: error?.message ?? `${side} ${registry}: ${digest} of ${repository.name} is not there`,
  };
}
