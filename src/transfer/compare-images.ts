import type { Digest } from "../digest.ts";
import { compareTrees } from "../domain/compare-trees.ts";
import { type ImageTree, placesOf } from "../domain/image-tree.ts";
import type { Platform } from "../domain/import-spec.ts";
import { type ChildDescriptor, parseManifest } from "../domain/manifest.ts";
import type { Difference, Verification } from "../domain/verification.ts";
import { ImportError } from "../errors.ts";
import { codeOf } from "../registry/errors-from-response.ts";
import { type FetchedManifest, getManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";
import type { BlobReaderDeps } from "./blob-reader.ts";
import { compareReferrers } from "./compare-referrers.ts";
import { mapConcurrently } from "./map-concurrently.ts";
import { placeOf } from "./place-of.ts";
import { selectPlatforms } from "./select-platforms.ts";
import { formatPlace, sourceNotFound } from "./source-not-found.ts";
import { findPresent } from "./target-presence.ts";
import { isContentFault, verifyBlob } from "./verify-blob.ts";
import { type WalkedBlob, walkGraph } from "./walk-graph.ts";

/** An image or artifact at one registry. */
export interface ComparedImage {
  readonly repository: Repository;
  /** Tag or digest. */
  readonly reference: string;
}

export interface CompareRequest {
  readonly source: ComparedImage;
  readonly target: ComparedImage;
  readonly platforms?: readonly Platform[];
  readonly blobs: "content" | "presence";
  readonly referrers: "compared" | "ignored";
}

export interface Comparison extends Pick<Verification, "checked"> {
  readonly source: FoundRoot;
  /** Undefined: it is not there. */
  readonly target: FoundRoot | undefined;
  readonly differences: readonly Difference[];
  readonly warnings: readonly string[];
}

type FoundRoot = Pick<FetchedManifest, "digest" | "mediaType">;

export interface CompareImagesDeps {
  readonly reader: BlobReaderDeps;
  readonly parallelBlobs: number;
}

export type CompareImages = (request: CompareRequest, signal: AbortSignal) => Promise<Comparison>;

/**
 * Compares two images to their last blob. What a side refers to and does not hold, or holds wrongly, is a difference;
 * that a side cannot be asked is thrown, as is a source that is not there.
 */
export function createCompareImages(deps: CompareImagesDeps): CompareImages {
  return async (request, signal) => {
    const [source, target] = await Promise.all([getRoot(request.source, signal), readTarget(request.target, signal)]);
    if (source === undefined) throw sourceNotFound(request.source.repository, request.source.reference);
    if (target === undefined || "difference" in target) {
      const found = target?.difference ?? missingRoot(request.target, source);
      const checked = { manifests: 1, blobs: 0, bytes: 0 };
      return { source: rootOf(source), target: undefined, differences: [found], checked, warnings: [] };
    }
    const looks = await Promise.all([
      look(request, request.source, source, signal),
      look(request, request.target, target.root, signal).catch((thrown: unknown) =>
        toUnreadable(thrown, request.target, target.root),
      ),
    ]);
    return await compareLooks(deps, request, { roots: { source, target: target.root }, looks }, signal);
  };
}

/** What one side has of the image, as far as its documents tell. */
interface Look {
  readonly repository: Repository;
  readonly tree: ImageTree;
  readonly blobs: readonly WalkedBlob[];
  /** Manifests that are missing or wrong. */
  readonly faults: ReadonlyMap<Digest, ImportError>;
}

/** The target cannot be looked into at all. */
interface Unreadable {
  readonly difference: Difference;
}

interface Looks {
  readonly roots: { readonly source: FetchedManifest; readonly target: FetchedManifest };
  readonly looks: readonly [Look, Look | Unreadable];
}

async function compareLooks(
  deps: CompareImagesDeps,
  request: CompareRequest,
  { roots, looks: [source, target] }: Looks,
  signal: AbortSignal,
): Promise<Comparison> {
  const sides = "difference" in target ? [source] : [source, target];
  const checks = await Promise.all(
    sides.map(async (side) => ({ side, ...(await checkBlobs(deps, request, side, signal)) })),
  );
  const lacking = checks.flatMap(({ side, faults }) => [
    ...toDifferences(side, side.faults),
    ...toDifferences(side, faults),
  ]);
  const warnings: string[] = [];
  const found = {
    ...{ source: rootOf(roots.source), target: rootOf(roots.target), warnings },
    checked: {
      manifests: sum(sides, ({ tree }) => tree.nodes.size),
      blobs: sum(sides, ({ blobs }) => blobs.length),
      bytes: sum(checks, ({ bytes }) => bytes),
    },
  };
  if ("difference" in target) return { ...found, differences: [target.difference, ...lacking] };
  const children = request.platforms === undefined ? "all" : "chosen";
  const differing = compareTrees({ source: source.tree, target: target.tree, children });
  const isRootCompared = differing.some(({ kind, source: digest }) => kind === "digest" && digest === source.tree.root);
  if (source.tree.root !== target.tree.root && !isRootCompared)
    warnings.push("the indexes have different digests: only the platforms asked for were compared");
  else if (differing.some(({ kind }) => kind === "child"))
    warnings.push("an index that was copied for some platforms lacks the others: name them to compare those alone");
  const referrers =
    request.referrers === "compared"
      ? await compareReferrers({ source, target, warn: (warning) => warnings.push(warning) }, signal)
      : [];
  return { ...found, differences: [...differing, ...lacking, ...referrers] };
}

function sum<T>(items: readonly T[], count: (item: T) => number): number {
  return items.reduce((total, item) => total + count(item), 0);
}

/** Reads all manifests of a side. */
async function look(
  { platforms }: CompareRequest,
  { repository }: ComparedImage,
  root: FetchedManifest,
  signal: AbortSignal,
): Promise<Look> {
  const selected = platforms && (await selectPlatforms(repository, root, { platforms, index: "sparse" }, signal));
  const chosen = new Map<Digest, readonly ChildDescriptor[]>();
  const faults = new Map<Digest, ImportError>();
  const graph = await walkGraph(
    {
      source: repository,
      root,
      foreignLayers: "auto", // one that a registry does not serve is nothing that it lacks
      ...(selected && { fetched: selected.fetched }),
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

interface CheckedBlobs {
  readonly faults: Faults;
  readonly bytes: number;
}

/** Looks for the blobs of a side there, or reads them. */
async function checkBlobs(
  { reader, parallelBlobs }: CompareImagesDeps,
  { blobs: how }: CompareRequest,
  { repository, blobs }: Look,
  signal: AbortSignal,
): Promise<CheckedBlobs> {
  if (how === "presence") {
    const digests = blobs.map(({ digest }) => digest);
    const question = { targets: [repository], isKnown: () => true, manifests: [], blobs: digests };
    const present = await findPresent(question, signal);
    const missing = digests.filter((digest) => !present.hasBlob(0, digest));
    return { faults: new Map(missing.map((digest) => [digest, undefined])), bytes: 0 };
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

/** Content that a side refers to and does not hold (undefined: no more is known), or holds wrongly. */
type Faults = ReadonlyMap<Digest, ImportError | undefined>;

function toDifferences({ repository, tree }: Look, faults: Faults): readonly Difference[] {
  if (faults.size === 0) return [];
  const places = placesOf(tree);
  return [...faults].map(([digest, error]) =>
    toDifference(repository, { digest, path: places.get(digest) ?? "", error }),
  );
}

interface Fault {
  readonly digest: Digest;
  readonly path: string;
  readonly error: ImportError | undefined;
}

function toDifference(repository: Repository, { digest, path, error }: Fault): Difference {
  const { side, registry } = placeOf(repository);
  const isCorrupt = error !== undefined && error.code === codeOf(placeOf(repository), "CONTENT_CORRUPT");
  const other = side === "source" ? "target" : "source";
  return {
    ...{ kind: isCorrupt ? "corrupt" : "missing", path: path || "image", digest, [other]: digest },
    message: error?.message ?? `${side} ${registry}: ${digest} of ${repository.name} is not there`,
  };
}

/** A target that cannot be looked into: its root, or what tells its platforms, is missing or wrong. */
function toUnreadable(thrown: unknown, { repository }: ComparedImage, { digest }: FoundRoot): Unreadable {
  if (thrown instanceof ImportError && thrown.code === "PLATFORM_NOT_FOUND")
    return { difference: { kind: "child", path: "index", message: thrown.message } };
  if (!isContentFault(thrown)) throw thrown;
  return { difference: toDifference(repository, { digest, path: "", error: thrown }) };
}

function getRoot({ repository, reference }: ComparedImage, signal: AbortSignal): Promise<FetchedManifest | undefined> {
  return getManifest(repository, reference, signal);
}

/** The target's root; a wrong one is a difference. */
async function readTarget(
  image: ComparedImage,
  signal: AbortSignal,
): Promise<{ readonly root: FetchedManifest } | Unreadable | undefined> {
  try {
    const root = await getRoot(image, signal);
    return root && { root };
  } catch (thrown) {
    if (!isContentFault(thrown)) throw thrown;
    return { difference: { kind: "corrupt", path: "image", message: thrown.message } };
  }
}

function rootOf({ digest, mediaType }: FetchedManifest): FoundRoot {
  return { digest, mediaType };
}

function missingRoot({ repository, reference }: ComparedImage, { digest }: FetchedManifest): Difference {
  const { registry } = placeOf(repository);
  const message = `target ${registry}: ${formatPlace(repository, reference)} is not there`;
  return { kind: "missing", path: "image", digest, source: digest, message };
}
