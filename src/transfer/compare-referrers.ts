import type { Digest } from "../digest.ts";
import { below, placesOf } from "../domain/image-tree.ts";
import type { Difference } from "../domain/verification.ts";
import { ImportError } from "../errors.ts";
import { getManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";
import { both } from "./both.ts";
import { createFindReferrers, type FoundReferrer } from "./find-referrers.ts";
import { type CheckBlobsDeps, checkBlobs, type Fault, type Look, lookInto, toDifference } from "./look-into.ts";
import { mapConcurrently } from "./map-concurrently.ts";
import { isContentFault } from "./verify-blob.ts";
import type { WalkedBlob } from "./walk-graph.ts";

export interface ReferrersToCompare {
  readonly source: ReferrersSide;
  readonly target: ReferrersSide;
  readonly warn: (warning: string) => void;
}

type ReferrersSide = Pick<Look, "repository" | "tree" | "blobs">;

/** What of referrers was compared; counts are those of both sides together. */
export interface ComparedReferrers {
  readonly differences: readonly Difference[];
  readonly manifests: number;
  readonly blobs: number;
  readonly bytes: number;
}

/** A referrer of the source, and where it stands. */
interface PlacedReferrer {
  readonly digest: Digest;
  readonly path: string;
}

const parallelRequests = 8;

/**
 * What belongs to the manifests that both sides have: signatures, SBOMs, attestations, of which the target lacks one or
 * holds another under a cosign tag. More at the target is no difference: it may be signed there. Each side is asked for
 * what the referrers of the source consist of; the target for those alone that it lists.
 */
export async function compareReferrers(
  deps: CheckBlobsDeps,
  { source, target, warn }: ReferrersToCompare,
  signal: AbortSignal,
): Promise<ComparedReferrers> {
  const finderOf = ({ repository }: ReferrersSide) =>
    createFindReferrers({ source: repository, artifactTypes: undefined, warn });
  const [atSource, atTarget] = [finderOf(source), finderOf(target)];
  const common = [...source.tree.nodes.keys()].filter((digest) => target.tree.nodes.has(digest));
  if (!common.includes(source.tree.root)) warn("referrers of the root were not compared: it has another digest");
  const places = placesOf(source.tree);
  const found = await mapConcurrently(common, parallelRequests, async (subject) => {
    const [there, here] = await both(
      (joined) => atSource(subject, joined),
      (joined) => atTarget(subject, joined),
      signal,
    );
    const extra = here.filter(
      ({ digest, tag }) => !there.some((one) => one.tag === tag && (tag || one.digest === digest)),
    );
    if (extra.length > 0) warn(`the target has ${extra.length} more referrers of ${subject}`);
    return there.map((referrer) => place(referrer, here, places.get(subject) ?? ""));
  });
  const placed = found.flat();
  const atBoth = placed.filter(({ difference }) => difference === undefined);
  const checks = await both(
    (joined) => checkReferrers(deps, source, placed, joined),
    (joined) => checkReferrers(deps, target, atBoth, joined),
    signal,
  );
  const sum = (count: (side: ComparedReferrers) => number) => checks.reduce((total, side) => total + count(side), 0);
  return {
    differences: [
      ...placed.flatMap(({ difference }) => difference ?? []),
      ...checks.flatMap(({ differences }) => differences),
    ],
    manifests: sum(({ manifests }) => manifests),
    blobs: sum(({ blobs }) => blobs),
    bytes: sum(({ bytes }) => bytes),
  };
}

function place(
  { digest, artifactType, tag }: FoundReferrer,
  atTarget: readonly FoundReferrer[],
  subjectPath: string,
): PlacedReferrer & { readonly difference?: Difference } {
  const name = tag ?? artifactType ?? "referrer";
  const path = below(subjectPath, name);
  if (atTarget.some((one) => one.digest === digest && one.tag === tag)) return { digest, path };
  const other: Digest | undefined = tag === undefined ? undefined : atTarget.find((one) => one.tag === tag)?.digest;
  return {
    ...{ digest, path },
    difference: {
      ...{ kind: "referrer", path, digest, source: digest },
      ...(other !== undefined && { target: other }),
      message: other === undefined ? `the target does not list ${name}` : `the target has another ${name}`,
    },
  };
}

/** Looks at one side for all that referrers consist of, but for what was looked for as a part of the image. */
async function checkReferrers(
  deps: CheckBlobsDeps,
  { repository, tree, blobs: ofImage }: ReferrersSide,
  placed: readonly PlacedReferrer[],
  signal: AbortSignal,
): Promise<ComparedReferrers> {
  const paths = new Map(placed.map(({ digest, path }) => [digest, path])); // one may be listed, and under a tag too
  const looks = await mapConcurrently([...paths], parallelRequests, ([digest, path]) =>
    lookAt(repository, { digest, path }, signal),
  );
  const seen = new Set(ofImage.map(({ digest }) => digest));
  const blobs = new Map<Digest, { readonly blob: WalkedBlob; readonly path: string }>();
  const manifests = new Set<Digest>();
  const faults: Fault[] = [];
  for (const look of looks) {
    faults.push(...look.faults);
    for (const digest of look.manifests) if (!tree.nodes.has(digest)) manifests.add(digest);
    for (const { blob, path } of look.blobs) if (!seen.has(blob.digest)) blobs.set(blob.digest, { blob, path });
  }
  const wanted = [...blobs.values()].map(({ blob }) => blob);
  const checked = await checkBlobs(deps, { repository, blobs: wanted }, signal);
  for (const [digest, error] of checked.faults) faults.push({ digest, path: blobs.get(digest)?.path ?? "", error });
  return {
    differences: faults.map((fault) => toDifference(repository, fault)),
    manifests: manifests.size,
    blobs: blobs.size,
    bytes: checked.bytes,
  };
}

interface ReferrerLook {
  readonly manifests: readonly Digest[];
  readonly blobs: readonly { readonly blob: WalkedBlob; readonly path: string }[];
  readonly faults: readonly Fault[];
}

/** What a referrer consists of, by its manifest at this side. */
async function lookAt(
  repository: Repository,
  { digest, path }: PlacedReferrer,
  signal: AbortSignal,
): Promise<ReferrerLook> {
  const at = (error: ImportError | undefined): ReferrerLook => ({
    ...{ manifests: [], blobs: [], faults: [{ digest, path, error }] },
  });
  try {
    const root = await getManifest(repository, digest, signal);
    if (root === undefined) return at(undefined);
    const { tree, blobs, faults } = await lookInto(repository, { root, platforms: undefined }, signal);
    const places = placesOf(tree);
    const pathOf = (part: Digest) => {
      const inside = places.get(part) ?? "";
      return inside === "" ? path : below(path, inside);
    };
    return {
      manifests: [...tree.nodes.keys()],
      blobs: blobs.map((blob) => ({ blob, path: pathOf(blob.digest) })),
      faults: [...faults].map(([part, error]) => ({ digest: part, path: pathOf(part), error })),
    };
  } catch (thrown) {
    if (!(thrown instanceof ImportError) || !isContentFault(thrown)) throw thrown;
    return at(thrown);
  }
}
