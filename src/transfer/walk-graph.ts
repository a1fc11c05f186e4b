import type { Descriptor } from "../descriptor.ts";
import type { Digest } from "../digest.ts";
import type { Platform } from "../domain/import-spec.ts";
import { type BlobDescriptor, type ChildDescriptor, type ParsedManifest, parseManifest } from "../domain/manifest.ts";
import { ImportError } from "../errors.ts";
import { headBlob } from "../registry/blobs.ts";
import { codeOf } from "../registry/errors-from-response.ts";
import type { Repository } from "../registry/registry.ts";
import { mapConcurrently } from "./map-concurrently.ts";
import { placeOf } from "./place-of.ts";
import type { ReadManifest } from "./read-manifest.ts";
import { isContentFault } from "./verify-blob.ts";

/** A manifest of the image, with the exact bytes to publish. */
export interface WalkedManifest extends Descriptor {
  readonly bytes: Uint8Array;
  readonly kind: ParsedManifest["kind"];
  /** The manifests and blobs that it refers to, in its own order, but for those that were not selected. */
  readonly children: readonly Digest[];
  /** What the index that led here says of it. */
  readonly platform?: Platform;
}

/** A blob that the target needs. */
export interface WalkedBlob extends Descriptor {
  readonly inline?: Uint8Array;
  readonly platform?: Platform;
}

export interface WalkRequest {
  readonly source: Repository;
  readonly root: { readonly bytes: Uint8Array; readonly mediaType: string; readonly digest: Digest };
  readonly foreignLayers: "auto" | "skip";
  readonly readManifest: ReadManifest;
  /** Which children of an index, nested ones too, are wanted; asked once per index. */
  readonly selectChildren: (index: ParsedManifest, digest: Digest) => readonly ChildDescriptor[];
  /**
   * Told of a manifest below the root that is missing or not what its digest says; the walk goes on without it and what
   * it leads to. Absent: that ends the walk.
   */
  readonly onFault?: (digest: Digest, error: ImportError) => void;
}

export interface WalkedGraph {
  /** Every manifest once, the root first. */
  readonly manifests: readonly WalkedManifest[];
  /** Every blob once. */
  readonly blobs: readonly WalkedBlob[];
  /** All manifests but the root, in an order to publish them: a level refers to earlier levels only. */
  readonly levels: readonly (readonly Digest[])[];
  readonly warnings: readonly string[];
}

const maxDepth = 8; // real images have 2 levels, nested indexes 3
const maxManifests = 5_000;
const maxManifestBytes = 128 * 1024 * 1024; // all of them are held until their rows are written
const parallelRequests = 8;

/**
 * Finds everything that `root` leads to: each manifest is fetched once, whatever number of indexes name it.
 * Throws `SOURCE_CONTENT_CORRUPT` (of a target: `TARGET_CONTENT_CORRUPT`, `TARGET_CONTENT_MISSING`) where content is not what its descriptor says and `NOT_SUPPORTED` beyond the bounds.
 */
export async function walkGraph(request: WalkRequest, signal: AbortSignal): Promise<WalkedGraph> {
  const { source, root, selectChildren } = request;
  const nodes = new Map<Digest, Node>();
  let wave: readonly Node[] = [readNode(source, root, undefined)];
  let totalBytes = root.bytes.byteLength;
  for (let depth = 0; wave.length > 0; depth += 1) {
    if (depth === maxDepth) throw tooLarge(source, `more than ${maxDepth} levels of indexes`);
    for (const node of wave) {
      nodes.set(node.digest, node);
      node.children = node.parsed.kind === "index" ? selectChildren(node.parsed, node.digest) : [];
    }
    const unseen = new Map(
      wave.flatMap(({ children }) => children.filter(({ digest }) => !nodes.has(digest)).map((to) => [to.digest, to])),
    );
    if (nodes.size + unseen.size > maxManifests) throw tooLarge(source, `more than ${maxManifests} manifests`);
    for (const { size } of unseen.values()) totalBytes += size; // as they are said to be: nothing is held that is more
    if (totalBytes > maxManifestBytes) throw tooLarge(source, `more than ${maxManifestBytes} bytes of manifests`);
    const fetched = await mapConcurrently([...unseen.values()], parallelRequests, (child) =>
      fetchNode(request, child, signal).catch((thrown: unknown) => noteFault(request, child, thrown)),
    );
    wave = fetched.filter((node) => node !== undefined);
  }
  const found = collectBlobs(source, [...nodes.values()]);
  const { blobs, warnings } = await withoutForeign(request, found, signal);
  return { manifests: [...nodes.values()].map(toWalked), blobs, levels: toLevels(nodes, root.digest), warnings };
}

interface Node {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly parsed: ParsedManifest;
  readonly platform: Platform | undefined;
  children: readonly ChildDescriptor[];
}

function readNode(source: Repository, manifest: WalkRequest["root"], platform: Platform | undefined): Node {
  const { bytes, mediaType, digest } = manifest;
  return { digest, bytes, parsed: parseManifest(bytes, mediaType, placeOf(source)), platform, children: [] };
}

async function fetchNode(request: WalkRequest, child: ChildDescriptor, signal: AbortSignal): Promise<Node> {
  const { source, readManifest } = request;
  const manifest = await readManifest(child.digest, signal);
  if (manifest === undefined) {
    throw new ImportError({
      ...placeOf(source),
      code: codeOf(placeOf(source), "NOT_FOUND"),
      httpStatus: 404,
      digest: child.digest,
      what: `${source.name} lacks manifest ${child.digest}, which its index lists`,
      hint: "the image is incomplete at the source; choose platforms that are there",
    });
  }
  if (manifest.bytes.byteLength !== child.size) throw wrongSize(source, child, manifest.bytes.byteLength);
  // The descriptor's type is signed into the parent; a Content-Type is only what some server says.
  return readNode(source, { ...child, bytes: manifest.bytes }, child.platform);
}

function noteFault({ onFault }: WalkRequest, { digest }: ChildDescriptor, thrown: unknown): undefined {
  if (onFault === undefined || !isContentFault(thrown)) throw thrown;
  onFault(digest, thrown);
}

type FoundBlob = BlobDescriptor & Pick<WalkedBlob, "platform">;

function collectBlobs(source: Repository, nodes: readonly Node[]): readonly FoundBlob[] {
  const blobs = new Map<Digest, FoundBlob>();
  for (const { parsed, platform } of nodes) {
    for (const blob of parsed.blobs) {
      const known = blobs.get(blob.digest);
      if (known !== undefined && known.size !== blob.size) throw wrongSize(source, blob, known.size);
      // Inline bytes and an ordinary media type win: with either the blob can and must be there.
      const isForeign = blob.isForeign && known?.isForeign !== false;
      blobs.set(blob.digest, { ...(platform && { platform }), ...known, ...blob, isForeign });
    }
  }
  return [...blobs.values()];
}

/** Leaves out foreign layers that are not wanted or that the source itself does not serve. */
async function withoutForeign(request: WalkRequest, found: readonly FoundBlob[], signal: AbortSignal) {
  const { source, foreignLayers } = request;
  const missing = new Set<Digest>();
  const foreign = found.filter(({ isForeign, inline }) => isForeign && inline === undefined);
  await mapConcurrently(foreign, parallelRequests, async ({ digest }) => {
    if (foreignLayers === "skip" || (await headBlob(source, digest, signal)) === undefined) missing.add(digest);
  });
  const blobs = found.filter(({ digest }) => !missing.has(digest)).map(({ isForeign: _, ...blob }): WalkedBlob => blob);
  const warnings =
    foreignLayers === "skip"
      ? []
      : [...missing].map(
          (digest) => `foreign layer ${digest} is left out: ${source.registry.access.registry} lacks it`,
        );
  return { blobs, warnings };
}

function toWalked({ digest, bytes, parsed: { kind, mediaType, blobs }, children, platform }: Node): WalkedManifest {
  const below = [...children, ...blobs].map((child) => child.digest);
  return { digest, size: bytes.byteLength, mediaType, kind, bytes, children: below, ...(platform && { platform }) };
}

/** Groups by height: what has no children first. Digests cannot form a cycle. */
function toLevels(nodes: ReadonlyMap<Digest, Node>, root: Digest): readonly (readonly Digest[])[] {
  const heights = new Map<Digest, number>();
  const heightOf = (digest: Digest): number => {
    const known = heights.get(digest);
    if (known !== undefined) return known;
    const below = nodes.get(digest)?.children.map((child) => heightOf(child.digest)) ?? [];
    const height = 1 + Math.max(-1, ...below);
    heights.set(digest, height);
    return height;
  };
  const levels: Digest[][] = Array.from({ length: heightOf(root) }, () => []);
  for (const [digest, height] of heights) if (digest !== root) levels[height]?.push(digest);
  return levels;
}

function wrongSize(source: Repository, { digest, size }: Descriptor, actualBytes: number): ImportError {
  return new ImportError({
    ...placeOf(source),
    code: codeOf(placeOf(source), "CONTENT_CORRUPT"),
    digest,
    what: `${digest} is said to have ${size} bytes and has ${actualBytes}`,
  });
}

function tooLarge(source: Repository, what: string): ImportError {
  const hint = "import its parts one by one, by digest or by platforms";
  return new ImportError({ ...placeOf(source), code: "NOT_SUPPORTED", what: `${source.name} has ${what}`, hint });
}
