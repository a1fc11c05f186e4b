import { type Digest, digestOf } from "../digest.ts";
import { ImportError } from "../errors.ts";
import { type FetchedManifest, getManifest } from "../registry/manifests.ts";
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

/**
 * Reads a manifest that was put back to its last byte. Throws `TARGET_DIGEST_REJECTED` when it is another one or none,
 * `TARGET_QUARANTINED` when it is in quarantine. What a policy of the target shows to nobody cannot be read: then this
 * returns a warning that says so.
 */
export async function assertStored(
  { sleep }: { readonly sleep: (ms: number, signal: AbortSignal) => Promise<void> },
  { target, reference, manifest }: StoredManifest,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const place = reference === manifest.digest ? `${target.name}@${reference}` : `${target.name}:${reference}`;
  let found: Digest | undefined;
  for (let reads = 1; reads <= readBacks; reads += 1) {
    const read = await readUnlessWithheld(target, reference, signal);
    if (read instanceof ImportError) return [`${place} was put and could not be read again: ${read.message}`];
    found = read && digestOf(read.bytes, manifest.digest);
    if (found === manifest.digest) return [];
    if (reads < readBacks) await sleep(readBackMs, signal);
  }
  if (found === undefined && (await isQuarantined(target, manifest, signal))) {
    throw new ImportError({
      ...placeOf(target),
      code: "TARGET_QUARANTINED",
      digest: manifest.digest,
      what: `${place} was put, and the registry holds ${manifest.digest} back`,
      hint: "the image is there in quarantine, and can be pulled once it is released",
    });
  }
  throw new ImportError({
    ...placeOf(target),
    code: "TARGET_DIGEST_REJECTED",
    digest: manifest.digest,
    what: `${place} is ${found ?? "missing"} after it was put as ${manifest.digest}`,
    hint: reference === manifest.digest ? "look at the target's storage" : "another writer may have moved the tag",
  });
}

async function readUnlessWithheld(
  target: Repository,
  reference: string,
  signal: AbortSignal,
): Promise<FetchedManifest | ImportError | undefined> {
  try {
    return await getManifest(target, reference, signal);
  } catch (thrown) {
    if (thrown instanceof ImportError && thrown.code === "TARGET_QUARANTINED") return thrown;
    throw thrown;
  }
}

/** ACR hides the tag of an image in quarantine and refuses its digest. Source: Azure/acr, docs/preview/quarantine. */
async function isQuarantined(target: Repository, { digest }: ManifestContent, signal: AbortSignal): Promise<boolean> {
  try {
    await getManifest(target, digest, signal); // a HEAD has no words to tell why it is refused
    return false;
  } catch (thrown) {
    if (thrown instanceof ImportError && thrown.code === "TARGET_LOCKED") return true;
    throw thrown;
  }
}
