import { MiB } from "../descriptor.ts";
import type { Digest } from "../digest.ts";
import { ImportError } from "../errors.ts";
import { type FetchedManifest, getManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";
import { placeOf } from "./place-of.ts";

/** A manifest of a repository by its digest; undefined: it is not there. */
export type ReadManifest = (digest: Digest, signal: AbortSignal) => Promise<FetchedManifest | undefined>;

export interface ReadManifestOptions {
  /** What was read before, by whoever. */
  readonly known: ReadonlyMap<Digest, FetchedManifest>;
  /** Told of each manifest that took a GET; whoever reads waits for it. */
  readonly onFetched: (manifest: FetchedManifest) => Promise<void>;
}

/** Beyond what an image and its referrers may have; what is read and then left out counts too. */
const maxHeldBytes = 192 * MiB;

/**
 * Reads manifests of a repository, each with one GET: Docker Hub counts those. Holds them all, and throws `NOT_SUPPORTED`
 * where they are more than the memory for one import.
 */
export function createReadManifest(
  repository: Repository,
  { known, onFetched }: ReadManifestOptions = { known: new Map(), onFetched: async () => {} },
): ReadManifest {
  const read = new Map(known);
  let heldBytes = [...known.values()].reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  return async (digest, signal) => {
    const held = read.get(digest);
    if (held !== undefined) return held;
    const manifest = await getManifest(repository, digest, signal);
    if (manifest === undefined) return undefined;
    heldBytes += manifest.bytes.byteLength;
    if (heldBytes > maxHeldBytes) throw tooMuch(repository);
    read.set(digest, manifest);
    await onFetched(manifest);
    return manifest;
  };
}

function tooMuch(repository: Repository): ImportError {
  return new ImportError({
    ...placeOf(repository),
    code: "NOT_SUPPORTED",
    what: `${repository.name} leads to more than ${maxHeldBytes} bytes of manifests`,
    hint: "import its parts one by one, by digest or by platforms, or fewer kinds of referrers",
  });
}
