import { z } from "zod";
import type { Digest } from "../digest.ts";
import type { ErrorPlace } from "../errors.ts";
import type { Platform } from "./import-spec.ts";
import type { ChildDescriptor } from "./manifest.ts";
import { assertPlatformsFound, isRealPlatform, matchesPlatform } from "./platform.ts";

export interface IndexFilter {
  /** The index as served, and its children as `parseManifest` found them. */
  readonly bytes: Uint8Array;
  readonly children: readonly ChildDescriptor[];
  readonly platforms: readonly Platform[];
  /** `rewrite`: an index without the others, of another digest. `sparse`: the same bytes, with children missing. */
  readonly index: "rewrite" | "sparse";
  /**
   * What a child without a platform of its own contains: a nested index its children's platforms, an image the one of
   * its config. Asked only for {@link childrenToLookInto}.
   */
  readonly platformsInside: (digest: Digest) => readonly Platform[];
}

export interface FilteredIndex {
  readonly bytes: Uint8Array;
  /** The bytes differ from what was served: another digest, and referrers of the old one do not fit. */
  readonly isRewritten: boolean;
  readonly kept: readonly ChildDescriptor[];
}

/** The children whose platforms stand only in their own documents: look them up before filtering. */
export function childrenToLookInto(children: readonly ChildDescriptor[]): readonly ChildDescriptor[] {
  return children.filter((child) => child.attests === undefined && child.platform === undefined);
}

/**
 * Leaves only the wanted platforms in an index, and what attests to them. Throws PLATFORM_NOT_FOUND when a wanted
 * platform is not there. Nothing left out means that the bytes stay as they are.
 */
export function filterIndex(filter: IndexFilter, at: ErrorPlace): FilteredIndex {
  const { bytes, index } = filter;
  assertPlatformsFound(
    filter.platforms,
    filter.children.flatMap((child) => platformsOf(child, filter)),
    at,
  );
  const { kept, leftOut } = selectChildren(filter);
  if (leftOut.length === 0 || index === "sparse") return { bytes, isRewritten: false, kept };
  return { bytes: withoutEntries(bytes, new Set(leftOut.map(({ digest }) => digest))), isRewritten: true, kept };
}

/** The children of one index that the platforms ask for, in order; an index without any of them keeps none. */
function selectChildren(filter: IndexFilter) {
  const { children, platforms } = filter;
  const matches = (child: ChildDescriptor) =>
    platformsOf(child, filter).some((actual) => platforms.some((wanted) => matchesPlatform(wanted, actual)));
  const wanted = new Set(children.filter(matches).map(({ digest }) => digest));
  // By digest: one manifest may be listed for several platforms, and stays for all of them.
  const stays = ({ digest, attests }: ChildDescriptor) =>
    wanted.has(digest) || (attests !== undefined && wanted.has(attests));
  return { kept: children.filter(stays), leftOut: children.filter((child) => !stays(child)) };
}

type Lookup = Pick<IndexFilter, "platformsInside">;

function platformsOf({ digest, platform, attests }: ChildDescriptor, { platformsInside }: Lookup): readonly Platform[] {
  if (attests !== undefined) return [];
  return (platform === undefined ? platformsInside(digest) : [platform]).filter(isRealPlatform);
}

const documentSchema = z.record(z.string(), z.unknown());
const entriesSchema = z.array(z.unknown());
const entrySchema = z.object({ digest: z.string() });

function withoutEntries(bytes: Uint8Array, leftOut: ReadonlySet<string>): Uint8Array {
  // These throw only for what parseManifest has refused before. A schema of the entries' properties must not be used
  // to copy them: it would change their order, and the digest with it.
  const document = documentSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  const manifests = entriesSchema
    .parse(document.manifests)
    .filter((entry) => !leftOut.has(entrySchema.parse(entry).digest));
  return new TextEncoder().encode(JSON.stringify({ ...document, manifests }));
}
