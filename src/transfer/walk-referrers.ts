import type { Digest } from "../digest.ts";
import { isWantedType, readReferrer } from "../domain/referrer.ts";
import { ImportError } from "../errors.ts";
import type { FetchedManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";
import { createFindReferrers, type FoundReferrer } from "./find-referrers.ts";
import { mapConcurrently } from "./map-concurrently.ts";
import { placeOf } from "./place-of.ts";
import type { ReadManifest } from "./read-manifest.ts";
import { type WalkedBlob, type WalkedGraph, type WalkedManifest, type WalkRequest, walkGraph } from "./walk-graph.ts";

export interface ReferrersRequest {
  readonly source: Repository;
  readonly readManifest: ReadManifest;
  /** The manifests of the image: what belongs to them is wanted, and none of them is found a second time. */
  readonly image: readonly Digest[];
  /** Of them, those whose digest the source does not know: an index that was rewritten. */
  readonly rewritten: readonly { readonly digest: Digest; readonly original: Digest }[];
  readonly artifactTypes: readonly string[] | undefined;
  readonly foreignLayers: "auto" | "skip";
}

/** A manifest that travels along. */
export interface WalkedReferrer extends WalkedManifest {
  /** Absent for the children of a referrer that is an index. */
  readonly referrerOf?: Digest;
  readonly artifactType?: string;
  /** What its own document says that it is about. */
  readonly subject?: Digest;
}

export interface WalkedReferrers {
  readonly manifests: readonly WalkedReferrer[];
  readonly blobs: readonly WalkedBlob[];
  /** In an order to publish them, after the image: what a level refers to is in an earlier one. */
  readonly levels: readonly (readonly Digest[])[];
  /** The cosign tags by what they hold; that may be a manifest of the image. */
  readonly tags: ReadonlyMap<Digest, readonly string[]>;
  /** The manifests that something belongs to. */
  readonly subjects: ReadonlySet<Digest>;
  readonly warnings: readonly string[];
}

const maxDepth = 8; // an SBOM of an image, its signature, a time stamp of that: three
const maxReferrers = 1_000;
const maxManifests = 5_000;
const maxManifestBytes = 64 * 1024 * 1024; // held until their rows are written, beside those of the image
const maxTagsPerManifest = 300; // one column holds them
const parallelRequests = 8;
const maxArtifactTypeChars = 255;

/**
 * Finds what belongs to an image, and to that, and so on: each manifest once, so that tags that lead in a circle end.
 * What a list names and the source does not have (it was deleted) is left out with a warning; so is what a list names
 * and says itself that it belongs to something else. `NOT_SUPPORTED` beyond the bounds.
 */
export async function walkReferrers(request: ReferrersRequest, signal: AbortSignal): Promise<WalkedReferrers> {
  const { source, image, rewritten, artifactTypes } = request;
  const warnings: string[] = [];
  const find = createFindReferrers({ source, artifactTypes, warn: (warning) => warnings.push(warning) });
  const seen = new Set<Digest>(image);
  const tags = new Map<Digest, string[]>();
  const subjects = new Set<Digest>();
  const along: FoundGraph[] = [];
  const levels: Digest[][] = [];

  for (const { original } of rewritten) {
    const left = await find(original, signal);
    if (left.length > 0) warnings.push(leftBehind(original, left.length));
  }
  const unknown = new Set(rewritten.map(({ digest }) => digest));
  let wave = image.filter((digest) => !unknown.has(digest));
  for (let depth = 0; wave.length > 0; depth += 1) {
    const found = (await mapConcurrently(wave, parallelRequests, (subject) => find(subject, signal))).flat();
    const fresh = groupByDigest(found.filter(({ digest }) => !seen.has(digest)));
    if (fresh.length > 0 && depth === maxDepth) throw tooMany(source, `referrers of referrers ${maxDepth} deep`);
    if (along.length + fresh.length > maxReferrers) throw tooMany(source, `more than ${maxReferrers} referrers`);
    const followed = await mapConcurrently(fresh, parallelRequests, (entries) => follow(request, entries, signal));
    warnings.push(...followed.filter((result) => typeof result === "string"));
    const added = followed.filter((result) => typeof result === "object");

    const isCargo = (digest: Digest) => seen.has(digest) || added.some(({ referrer }) => referrer.digest === digest);
    note(
      found.filter(({ digest }) => isCargo(digest)),
      { subjects, tags },
    );
    levels.push(...joinLevels(added, seen));
    wave = manifestsOf(added).filter((digest) => !seen.has(digest));
    for (const digest of wave) seen.add(digest);
    along.push(...added);
    assertBounds(source, along);
  }
  warnings.push(...along.flatMap(({ graph }) => graph.warnings));
  const cargo = joinGraphs(source, along, new Set(image));
  return { ...cargo, levels, tags: bounded(tags, warnings), subjects, warnings: [...new Set(warnings)] };
}

interface Notes {
  readonly subjects: Set<Digest>;
  readonly tags: Map<Digest, string[]>;
}

function note(found: readonly FoundReferrer[], { subjects, tags }: Notes): void {
  for (const { digest, subject, tag } of found) {
    subjects.add(subject);
    if (tag !== undefined) tags.set(digest, [...(tags.get(digest) ?? []), tag]);
  }
}

function manifestsOf(graphs: readonly FoundGraph[]): readonly Digest[] {
  return [...new Set(graphs.flatMap(({ graph }) => graph.manifests.map(({ digest }) => digest)))];
}

interface FoundGraph {
  readonly referrer: WalkedReferrer;
  /** The referrer and what is below it. */
  readonly graph: WalkedGraph;
}

/** A referrer with all that it consists of; a text: why it is left out. Undefined: it is not wanted. */
async function follow(
  request: ReferrersRequest,
  entries: readonly FoundReferrer[],
  signal: AbortSignal,
): Promise<FoundGraph | string | undefined> {
  const [first] = entries;
  if (first === undefined) return undefined;
  const { digest } = first;
  const { readManifest, artifactTypes } = request;
  const manifest = await readManifest(digest, signal);
  if (manifest === undefined) return `${digest} belongs to ${first.subject} and is not there: it is left out`;
  const facts = readReferrer(manifest.bytes);
  const own = entries.find(({ tag, subject }) => tag !== undefined || subject === facts.subject);
  if (own === undefined) {
    return `${digest} is listed as a referrer of ${first.subject} and does not say so itself: it is left out`;
  }
  const listedType = entries.find(({ artifactType }) => artifactType)?.artifactType;
  const artifactType = (facts.artifactType ?? listedType)?.slice(0, maxArtifactTypeChars);
  const layerTypes = entries.some(({ tag }) => tag !== undefined) ? facts.layerTypes : [];
  if (!isWantedType({ ...(artifactType && { artifactType }), layerTypes }, artifactTypes)) return undefined;
  const graph = await walk(request, manifest, signal);
  const [root] = graph.manifests;
  if (root === undefined) throw new Error("a walk begins with its root");
  const { subject } = facts;
  const more = { referrerOf: own.subject, ...(artifactType && { artifactType }), ...(subject && { subject }) };
  return { referrer: { ...root, ...more }, graph };
}

function walk(
  { source, readManifest, foreignLayers }: ReferrersRequest,
  root: FetchedManifest,
  signal: AbortSignal,
): Promise<WalkedGraph> {
  const selectChildren: WalkRequest["selectChildren"] = ({ children }) => children;
  return walkGraph({ source, root, readManifest, foreignLayers, selectChildren }, signal);
}

function groupByDigest(found: readonly FoundReferrer[]): readonly (readonly FoundReferrer[])[] {
  const groups = new Map<Digest, FoundReferrer[]>();
  for (const entry of found) groups.set(entry.digest, [...(groups.get(entry.digest) ?? []), entry]);
  return [...groups.values()];
}

/** Children before the referrers that are indexes of them; between referrers found at once, subjects first. */
function joinLevels(added: readonly FoundGraph[], seen: ReadonlySet<Digest>): Digest[][] {
  const roots = new Map(added.map(({ referrer }) => [referrer.digest, referrer]));
  const below = added.map(({ graph }) => graph.levels);
  const deepest = Math.max(0, ...below.map(({ length }) => length));
  const children = Array.from({ length: deepest }, (_, at) => below.flatMap((levels) => levels[at] ?? []));
  const rank = (digest: Digest): number => {
    const subject = roots.get(digest)?.subject;
    return subject !== undefined && roots.has(subject) ? 1 + rank(subject) : 0; // digests cannot form a circle
  };
  const ranked: Digest[][] = [];
  for (const digest of roots.keys()) {
    const at = rank(digest);
    ranked[at] = [...(ranked[at] ?? []), digest];
  }
  const placed = new Set(seen);
  const fresh = [...children, ...ranked].map((level) =>
    level.filter((digest) => !placed.has(digest) && placed.add(digest)),
  );
  return fresh.filter(({ length }) => length > 0);
}

function joinGraphs(source: Repository, along: readonly FoundGraph[], image: ReadonlySet<Digest>) {
  const manifests = new Map<Digest, WalkedReferrer>();
  const blobs = new Map<Digest, WalkedBlob>();
  for (const { referrer, graph } of along) {
    manifests.set(referrer.digest, referrer);
    for (const manifest of graph.manifests) {
      if (!manifests.has(manifest.digest) && !image.has(manifest.digest)) manifests.set(manifest.digest, manifest);
    }
    for (const blob of graph.blobs) {
      const known = blobs.get(blob.digest);
      if (known !== undefined && known.size !== blob.size) throw twoSizes(source, blob.digest);
      blobs.set(blob.digest, { ...known, ...blob });
    }
  }
  return { manifests: [...manifests.values()], blobs: [...blobs.values()] };
}

function assertBounds(source: Repository, along: readonly FoundGraph[]): void {
  const manifests = along.flatMap(({ graph }) => graph.manifests);
  if (manifests.length > maxManifests) throw tooMany(source, `more than ${maxManifests} manifests that travel along`);
  const sizeBytes = manifests.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  if (sizeBytes > maxManifestBytes) throw tooMany(source, `more than ${maxManifestBytes} bytes of referrers`);
}

function bounded(
  tags: ReadonlyMap<Digest, readonly string[]>,
  warnings: string[],
): ReadonlyMap<Digest, readonly string[]> {
  for (const [digest, { length }] of tags) {
    if (length > maxTagsPerManifest)
      warnings.push(`${digest} has ${length} cosign tags: ${maxTagsPerManifest} are copied`);
  }
  return new Map([...tags].map(([digest, all]) => [digest, [...new Set(all)].sort().slice(0, maxTagsPerManifest)]));
}

function leftBehind(original: Digest, count: number): string {
  const those = count === 1 ? "1 referrer" : `${count} referrers`;
  return `${those} of ${original} left out: without all platforms the index has another digest (sparseIndex keeps it)`;
}

function tooMany(source: Repository, what: string): ImportError {
  return new ImportError({
    ...placeOf(source),
    code: "NOT_SUPPORTED",
    property: "referrers",
    what: `${source.name} has ${what}`,
    hint: "choose the types that are wanted: referrers.artifactTypes",
  });
}

function twoSizes(source: Repository, digest: Digest): ImportError {
  return new ImportError({
    ...placeOf(source),
    code: "SOURCE_CONTENT_CORRUPT",
    digest,
    what: `${digest} is said to have two sizes`,
  });
}
