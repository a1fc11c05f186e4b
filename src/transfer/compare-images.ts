import { compareTrees } from "../domain/compare-trees.ts";
import type { Platform } from "../domain/import-spec.ts";
import type { Difference, Verification } from "../domain/verification.ts";
import { ImportError } from "../errors.ts";
import { type FetchedManifest, getManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";
import type { BlobReaderDeps } from "./blob-reader.ts";
import { both } from "./both.ts";
import { compareReferrers } from "./compare-referrers.ts";
import { checkBlobs, type Look, lookInto, toDifference, toDifferences } from "./look-into.ts";
import { placeOf } from "./place-of.ts";
import { formatPlace, sourceNotFound } from "./source-not-found.ts";
import { isContentFault } from "./verify-blob.ts";

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
    const [source, target] = await both(
      (joined) => getRoot(request.source, joined),
      (joined) => readTarget(request.target, joined),
      signal,
    );
    if (source === undefined) throw sourceNotFound(request.source.repository, request.source.reference);
    if (target === undefined || "difference" in target) {
      const found = target?.difference ?? missingRoot(request.target, source);
      const checked = { manifests: 1, blobs: 0, bytes: 0 };
      return { source: rootOf(source), target: undefined, differences: [found], checked, warnings: [] };
    }
    const { platforms } = request;
    const looks = await both(
      (joined) => lookInto(request.source.repository, { root: source, platforms }, joined),
      (joined) =>
        lookInto(request.target.repository, { root: target.root, platforms }, joined).catch((thrown: unknown) =>
          toUnreadable(thrown, request.target, target.root),
        ),
      signal,
    );
    return await compareLooks(deps, request, { roots: { source, target: target.root }, looks }, signal);
  };
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
  { reader, parallelBlobs }: CompareImagesDeps,
  request: CompareRequest,
  { roots, looks: [source, target] }: Looks,
  signal: AbortSignal,
): Promise<Comparison> {
  const deps = { reader, parallelBlobs, how: request.blobs };
  const check = async (side: Look, joined: AbortSignal) => ({ side, ...(await checkBlobs(deps, side, joined)) });
  const checks =
    "difference" in target
      ? [await check(source, signal)]
      : await both(
          (joined) => check(source, joined),
          (joined) => check(target, joined),
          signal,
        );
  const lacking = checks.flatMap(({ side, faults }) => [
    ...toDifferences(side, side.faults),
    ...toDifferences(side, faults),
  ]);
  const warnings: string[] = [];
  const found = {
    ...{ source: rootOf(roots.source), target: rootOf(roots.target), warnings },
    checked: {
      manifests: sum(checks, ({ side }) => side.tree.nodes.size),
      blobs: sum(checks, ({ side }) => side.blobs.length),
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
  if (request.referrers === "ignored") return { ...found, differences: [...differing, ...lacking] };
  const warn = (warning: string) => warnings.push(warning);
  const referrers = await compareReferrers(deps, { source, target, warn }, signal);
  const { manifests, blobs, bytes } = found.checked;
  return {
    ...found,
    differences: [...differing, ...lacking, ...referrers.differences],
    checked: {
      manifests: manifests + referrers.manifests,
      blobs: blobs + referrers.blobs,
      bytes: bytes + referrers.bytes,
    },
  };
}

function sum<T>(items: readonly T[], count: (item: T) => number): number {
  return items.reduce((total, item) => total + count(item), 0);
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
