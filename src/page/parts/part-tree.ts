import type { PartView } from "../../domain/part-view.ts";
import type { PlanView } from "../../domain/plan-view.ts";

/** A manifest or blob, of an import or of the plan of one. */
export type TreePart = PartView | PlanView["parts"][number];

export interface TreeNode {
  readonly part: TreePart;
  /** In the manifest's own order, and behind them what refers to it. */
  readonly children: readonly TreeNode[];
}

/** What an import brings into one repository. */
export interface RepositoryTree {
  readonly repository: string;
  readonly roots: readonly TreeNode[];
}

/**
 * The parts of an import as what they are: indexes over platforms over layers. Signatures and the like stand under what
 * they belong to. A blob that several manifests share stands under each. What nothing refers to is a root: the image
 * itself, and layers of manifests that are too large to say what they consist of.
 */
export function buildTrees(parts: readonly TreePart[]): readonly RepositoryTree[] {
  const repositories = new Map<string, TreePart[]>();
  for (const part of parts) repositories.set(part.repository, [...(repositories.get(part.repository) ?? []), part]);
  return [...repositories].map(([repository, own]) => ({ repository, roots: buildRoots(own) }));
}

function buildRoots(parts: readonly TreePart[]): readonly TreeNode[] {
  const byDigest = new Map(parts.map((part) => [part.digest, part]));
  const below = new Set(parts.flatMap(({ children = [] }) => children));
  const referrers = new Map<string, TreePart[]>();
  for (const part of parts) {
    const { referrerOf, digest } = part;
    if (referrerOf === undefined || !byDigest.has(referrerOf) || below.has(digest)) continue;
    referrers.set(referrerOf, [...(referrers.get(referrerOf) ?? []), part]);
    below.add(digest);
  }
  const toNode = (part: TreePart, above: ReadonlySet<TreePart>): TreeNode => {
    const path = new Set(above).add(part); // rows that contradict each other must not lead in a circle
    const own = (part.children ?? []).flatMap((digest) => byDigest.get(digest) ?? []);
    const children = [...own, ...(referrers.get(part.digest) ?? [])].filter((child) => !path.has(child));
    return { part, children: children.map((child) => toNode(child, path)) };
  };
  const roots = parts.filter(({ digest }) => !below.has(digest));
  const manifestsFirst = roots.toSorted((one, other) => Number(one.kind === "blob") - Number(other.kind === "blob"));
  return manifestsFirst.map((part) => toNode(part, new Set()));
}

/** How many blobs a node leads to, of how many bytes, and how many of them are there. Shared ones count once. */
export function summarize(node: TreeNode): { readonly blobs: number; readonly done: number; readonly bytes: number } {
  const blobs = new Map<string, TreePart>();
  const collect = ({ part, children }: TreeNode) => {
    if (part.kind === "blob") blobs.set(part.digest, part);
    children.forEach(collect);
  };
  collect(node);
  const all = [...blobs.values()];
  return {
    blobs: all.length,
    done: all.filter(isThere).length,
    bytes: all.reduce((total, { sizeBytes }) => total + sizeBytes, 0),
  };
}

/** Whether the target holds it: of a plan, already. */
export function isThere(part: TreePart): boolean {
  return "state" in part ? part.state === "done" : part.action === "skip";
}

/** Of what the parts are: of an import that goes on or of a plan, of one that has ended, or of one that failed at a part. */
export interface Fate {
  readonly hasEnded: boolean;
  /** The part that it failed at. */
  readonly failedDigest: string | undefined;
}

export const openFate: Fate = { hasEnded: false, failedDigest: undefined };

/** What is or would be done with a part. */
export function wayOf(part: TreePart, { hasEnded, failedDigest }: Fate): Way {
  if (!("state" in part)) return part.action;
  if (part.digest === failedDigest) return "failed";
  if (part.state === "done") return part.via ?? "copied";
  return hasEnded ? "missing" : "pending";
}

export type Way = "copied" | "mounted" | "skipped" | "pending" | "failed" | "missing" | "copy" | "mount" | "skip";

/** How each way is called. */
export const wayNames: Readonly<Record<Way, string>> = {
  ...{ copied: "copied", mounted: "mounted", skipped: "skipped", pending: "pending" },
  ...{ failed: "failed here", missing: "not copied" },
  ...{ copy: "copy", mount: "mount", skip: "skip" },
};

/** Whether a manifest has more children than its row holds: they stand beside it. */
export function isUnlisted({ part, children }: TreeNode): boolean {
  return part.kind === "manifest" && part.children === undefined && children.length === 0;
}

/** Whether a part stands somewhere below a node. */
export function leadsTo({ children }: TreeNode, digest: string | undefined): boolean {
  return children.some((child) => child.part.digest === digest || leadsTo(child, digest));
}

const maxNodes = 50; // more than anybody reads at once

/** What of a manifest's parts is shown at first: the first of them, and what leads to the failure. */
export function firstNodes(nodes: readonly TreeNode[], failedDigest: string | undefined): readonly TreeNode[] {
  const isAtFault = (node: TreeNode) => node.part.digest === failedDigest || leadsTo(node, failedDigest);
  return nodes.filter((node, at) => at < maxNodes || (failedDigest !== undefined && isAtFault(node)));
}

const kinds: readonly (readonly [RegExp, string])[] = [
  [/\bimage\.index\b|manifest\.list\b/, "Index"],
  [/\bimage\.manifest\b|distribution\.manifest\b/, "Manifest"],
  [/\bconfig\b|container\.image\.v1\+json$/, "Config"],
  [/\blayer\b|rootfs\.diff/, "Layer"],
];

/** What a part is, in a word. */
export function nameKind({ mediaType, kind, artifactType, referrerOf }: TreePart): string {
  if (referrerOf !== undefined) return artifactType ?? "Referrer";
  return kinds.find(([pattern]) => pattern.test(mediaType))?.[1] ?? (kind === "manifest" ? "Manifest" : "Blob");
}
