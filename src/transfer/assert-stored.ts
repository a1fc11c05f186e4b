import { type Digest, digestOf } from "../digest.ts";
import { ImportError } from "../errors.ts";
import { getManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";
import { placeOf } from "./place-of.ts";
import type { ManifestContent } from "./publish-manifests.ts";

export interface StoredManifest {
  readonly target: Repository;
  /** Tag or digest. */
  readonly reference: string;
  readonly manifest: ManifestContent;
}

const readBacks = 4; // replicas of a registry may lag behind a moment
const readBackMs = 1_000;

/** Reads a manifest that was put back to its last byte. Throws `TARGET_DIGEST_REJECTED` when it is another one or none. */
export async function assertStored(
  { sleep }: { readonly sleep: (ms: number, signal: AbortSignal) => Promise<void> },
  { target, reference, manifest }: StoredManifest,
  signal: AbortSignal,
): Promise<void> {
  let found: Digest | undefined;
  for (let reads = 1; reads <= readBacks; reads += 1) {
    const read = await getManifest(target, reference, signal);
    found = read && digestOf(read.bytes, manifest.digest);
    if (found === manifest.digest) return;
    if (reads < readBacks) await sleep(readBackMs, signal);
  }
  const place = reference === manifest.digest ? `${target.name}@${reference}` : `${target.name}:${reference}`;
  throw new ImportError({
    ...placeOf(target),
    code: "TARGET_DIGEST_REJECTED",
    digest: manifest.digest,
    what: `${place} is ${found ?? "missing"} after it was put as ${manifest.digest}`,
    hint: reference === manifest.digest ? "look at the target's storage" : "another writer may have moved the tag",
  });
}
