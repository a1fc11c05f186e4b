import { type Digest, shortDigest } from "../digest.ts";
import type { ChildDescriptor, ParsedManifest } from "./manifest.ts";
import { formatPlatform, isRealPlatform } from "./platform.ts";

/** What an image consists of, at one registry. */
export interface ImageTree {
  readonly root: Digest;
  /** By digest; one that could not be read is not among them. `children`: those that were chosen. */
  readonly nodes: ReadonlyMap<Digest, ParsedManifest>;
}

/** A place below another one: `linux/amd64 › layer 2`. What stands below the root is named alone. */
export function below(path: string, name: string): string {
  return path === "" ? name : `${path} › ${name}`;
}

/** What an index's children are called: by platform, attestations by what they attest to, others by digest. */
export function namesOfChildren(children: readonly ChildDescriptor[]): ReadonlyMap<ChildDescriptor, string> {
  const platformOf = ({ platform }: ChildDescriptor) =>
    platform !== undefined && isRealPlatform(platform) ? formatPlatform(platform) : undefined;
  const byDigest = new Map(children.map((child) => [child.digest, platformOf(child) ?? shortDigest(child.digest)]));
  return new Map(
    children.map((child) => {
      const { digest, attests } = child;
      const attested = attests && (byDigest.get(attests) ?? shortDigest(attests));
      return [
        child,
        attested === undefined ? (platformOf(child) ?? shortDigest(digest)) : `attestation of ${attested}`,
      ];
    }),
  );
}

/** What a manifest's blob is called by its position: an image's first one is its config. */
export function nameOfBlob(kind: ParsedManifest["kind"], at: number): string {
  if (kind !== "image") return `blob ${at + 1}`;
  return at === 0 ? "config" : `layer ${at}`;
}

/** Where each manifest and blob stands that the tree refers to; of several places the first. The root is `""`. */
export function placesOf({ root, nodes }: ImageTree): ReadonlyMap<Digest, string> {
  const places = new Map<Digest, string>();
  const visit = (digest: Digest, path: string): void => {
    if (places.has(digest)) return;
    places.set(digest, path);
    const node = nodes.get(digest);
    if (node === undefined) return;
    for (const [child, name] of namesOfChildren(node.children)) visit(child.digest, below(path, name));
    for (const [at, blob] of node.blobs.entries())
      if (!places.has(blob.digest)) places.set(blob.digest, below(path, nameOfBlob(node.kind, at)));
  };
  visit(root, "");
  return places;
}
