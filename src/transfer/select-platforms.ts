import { z } from "zod";
import type { Digest } from "../digest.ts";
import type { Platform } from "../domain/import-spec.ts";
import { childrenToLookInto, filterIndex } from "../domain/index-filter.ts";
import { type ChildDescriptor, type ParsedManifest, parseManifest } from "../domain/manifest.ts";
import { assertPlatformsFound } from "../domain/platform.ts";
import { parseJsonBytes } from "../json.ts";
import type { FetchedManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";
import { mapConcurrently } from "./map-concurrently.ts";
import { placeOf } from "./place-of.ts";
import { readBlob } from "./read-blob.ts";
import type { ReadManifest } from "./read-manifest.ts";

export interface SelectedPlatforms {
  /** What to publish as the root: other bytes than were served when children were left out of a rewritten index. */
  readonly bytes: Uint8Array;
  readonly isRewritten: boolean;
  /** The children of the root to copy; those of nested indexes come whole. */
  readonly kept: readonly ChildDescriptor[];
}

export interface PlatformChoice {
  readonly platforms: readonly Platform[];
  readonly index: "rewrite" | "sparse";
  readonly readManifest: ReadManifest;
}

/**
 * Applies the requested platforms to the root of an image. An image that is no index must itself be of one of them.
 * Throws PLATFORM_NOT_FOUND with what there is.
 */
export async function selectPlatforms(
  source: Repository,
  root: FetchedManifest,
  { platforms, index, readManifest }: PlatformChoice,
  signal: AbortSignal,
): Promise<SelectedPlatforms> {
  const at = placeOf(source);
  const parsed = parseManifest(root.bytes, root.mediaType, at);
  if (parsed.kind !== "index") {
    assertPlatformsFound(platforms, await platformsOfImage(source, parsed, signal), at);
    return { bytes: root.bytes, isRewritten: false, kept: [] };
  }
  const inside = new Map<Digest, readonly Platform[]>();
  await mapConcurrently(childrenToLookInto(parsed.children), parallelRequests, async ({ digest }) => {
    const manifest = await readManifest(digest, signal);
    if (manifest === undefined) return; // the walk says that it is missing, if it is wanted at all
    inside.set(digest, await platformsInside(source, manifest, signal));
  });
  const { bytes, children } = { bytes: root.bytes, children: parsed.children };
  const platformsOf = (digest: Digest) => inside.get(digest) ?? [];
  return filterIndex({ bytes, children, platforms, index, platformsInside: platformsOf }, at);
}

const parallelRequests = 8;

/** Of a child whose own document has to tell: an index names its children's platforms, an image its config. */
async function platformsInside(
  source: Repository,
  manifest: FetchedManifest,
  signal: AbortSignal,
): Promise<readonly Platform[]> {
  const parsed = parseManifest(manifest.bytes, manifest.mediaType, placeOf(source));
  if (parsed.kind !== "index") return await platformsOfImage(source, parsed, signal);
  return parsed.children.flatMap(({ platform }) => (platform === undefined ? [] : [platform]));
}

const configSchema = z.object({
  os: z.string(),
  architecture: z.string(),
  variant: z.string().optional(),
  "os.version": z.string().optional(),
});

async function platformsOfImage(
  source: Repository,
  { kind, blobs: [config] }: ParsedManifest,
  signal: AbortSignal,
): Promise<readonly Platform[]> {
  if (kind !== "image" || config === undefined) return [];
  const bytes = config.inline ?? (await readBlob(source, config, signal));
  const parsed = configSchema.safeParse(bytes && parseJsonBytes(bytes));
  if (!parsed.success) return []; // an artifact's config says nothing of platforms
  const { "os.version": osVersion, variant, ...rest } = parsed.data;
  return [
    { ...rest, ...(variant === undefined ? {} : { variant }), ...(osVersion === undefined ? {} : { osVersion }) },
  ];
}
