import type { Digest } from "../digest.ts";
import { below, type ImageTree, nameOfBlob, namesOfChildren } from "./image-tree.ts";
import type { BlobDescriptor, ChildDescriptor, ParsedManifest } from "./manifest.ts";
import type { Difference } from "./verification.ts";

export interface TreesToCompare {
  readonly source: ImageTree;
  readonly target: ImageTree;
  /** `chosen`: only some children are compared, so that the digests of the roots say nothing. */
  readonly children: "all" | "chosen";
}

/**
 * In what two images differ, from the root to their blobs. Documents of one digest are the same with all below them, and
 * are not looked into. Children are matched by digest, then by platform.
 */
export function compareTrees({ source, target, children }: TreesToCompare): readonly Difference[] {
  const compare = (path: string, one: Digest, other: Digest): readonly Difference[] => {
    if (one === other) return [];
    const [left, right] = [source.nodes.get(one), target.nodes.get(other)];
    const inside = left === undefined || right === undefined ? undefined : compareInside(path, left, right);
    const isFree = path === "" && children === "chosen" && left?.kind === "index" && right?.kind === "index";
    const isDocumentOnly = inside?.length === 0;
    const message = isDocumentOnly
      ? "the documents differ, and refer to the same content"
      : "the source and the target have different digests";
    const own: Difference = {
      kind: "digest",
      path: path || (left?.kind ?? "image"),
      source: one,
      target: other,
      message,
    };
    return [...(isFree ? [] : [own]), ...(inside ?? [])];
  };

  const compareInside = (path: string, left: ParsedManifest, right: ParsedManifest): readonly Difference[] => {
    const found: Difference[] = [];
    if (left.mediaType !== right.mediaType) found.push(otherType(path || left.kind, left.mediaType, right.mediaType));
    if (left.kind !== right.kind) return found;
    found.push(...compareChildren(path, left.children, right.children));
    const blobs = Math.max(left.blobs.length, right.blobs.length);
    for (let at = 0; at < blobs; at += 1) {
      const name = nameOfBlob(left.kind, at);
      const place = { path: below(path, name), kind: name === "config" ? ("config" as const) : ("layer" as const) };
      found.push(...compareBlobs(place, left.blobs[at], right.blobs[at]));
    }
    return found;
  };

  const compareChildren = (path: string, left: readonly ChildDescriptor[], right: readonly ChildDescriptor[]) => {
    const [leftNames, rightNames] = [namesOfChildren(left), namesOfChildren(right)];
    const isIn = (others: readonly ChildDescriptor[]) => {
      const digests = new Set(others.map(({ digest }) => digest));
      return ({ digest }: ChildDescriptor) => digests.has(digest);
    };
    const rest = new Set(right.filter((child) => !isIn(left)(child)));
    const found: Difference[] = [];
    for (const child of left.filter((one) => !isIn(right)(one))) {
      const name = leftNames.get(child) ?? "";
      const other = [...rest].find((one) => rightNames.get(one) === name);
      if (other === undefined) {
        found.push(onlyAt("source", "child", below(path, name), child.digest));
        continue;
      }
      rest.delete(other);
      found.push(...compare(below(path, name), child.digest, other.digest));
    }
    for (const child of rest)
      found.push(onlyAt("target", "child", below(path, rightNames.get(child) ?? ""), child.digest));
    return found;
  };

  return compare("", source.root, target.root);
}

function compareBlobs(
  { path, kind }: Pick<Difference, "path" | "kind">,
  left: BlobDescriptor | undefined,
  right: BlobDescriptor | undefined,
): readonly Difference[] {
  if (left === undefined || right === undefined) {
    const [side, only] = left === undefined ? (["target", right] as const) : (["source", left] as const);
    return only === undefined ? [] : [onlyAt(side, kind, path, only.digest)];
  }
  if (left.digest !== right.digest) {
    const message = "the source and the target have different content";
    return [{ kind, path, source: left.digest, target: right.digest, message }];
  }
  return left.mediaType === right.mediaType ? [] : [otherType(path, left.mediaType, right.mediaType)];
}

function otherType(path: string, source: string, target: string): Difference {
  return { kind: "mediaType", path, source, target, message: "the source and the target have different media types" };
}

function onlyAt(side: "source" | "target", kind: Difference["kind"], path: string, digest: Digest): Difference {
  return { kind, path, digest, [side]: digest, message: `only the ${side} has it` };
}
