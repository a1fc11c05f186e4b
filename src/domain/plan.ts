import { MiB } from "../descriptor.ts";
import type { Digest } from "../digest.ts";
import type { ImportPlan, PlannedBlob, Unit } from "./import-plan.ts";

/** One blob of the image; the same digest may come several times. */
export interface BlobToPlan {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Positions of the target repositories that lack it; empty: nothing to do. */
  readonly missingIn: readonly number[];
  /** Its content is known without a GET. */
  readonly isInline: boolean;
}

export interface PlanRequest {
  readonly root: Digest;
  /** `byDigest`: something refers to the root, so it is published in its level, before its tags. */
  readonly rootIs: "tagged" | "byDigest";
  readonly blobs: readonly BlobToPlan[];
  /** Manifests in the order to publish them, children first; the root may be among them. */
  readonly levels: readonly (readonly Digest[])[];
  /** Positions of the target repositories where every blob is to be read again; empty: nowhere. */
  readonly verifyIn: readonly number[];
  /** Whether a blob of this size cannot count on being uploaded within one activity. */
  readonly needsCheckpoints: (sizeBytes: number) => boolean;
}

export const maxUnitBytes = 64 * MiB;
export const maxUnitBlobs = 32;
/** Above half of a unit a blob is alone: two of them would not fit, and small ones would wait for it. */
const maxSharedBlobBytes = maxUnitBytes / 2;
const maxSingleManifests = 100; // what one activity publishes elsewhere, too

/**
 * What there is to do, the same for the same request in any order of its blobs: every blob that a target repository
 * lacks is in exactly one unit, with all the repositories that lack it. Largest first, so that the longest copy is
 * not begun last.
 */
export function planImport(request: PlanRequest): ImportPlan {
  const { root, rootIs, blobs, levels, verifyIn } = request;
  const missing = mergeByDigest(blobs);
  const { units, large } = planUnits(missing, request.needsCheckpoints);
  const toPublish = distinctLevels(levels, rootIs === "tagged" ? [root] : []);
  const toVerify = mergeByDigest(blobs.map((blob) => ({ ...blob, missingIn: verifyIn })));
  const verify = toUnits(packUnits(toVerify.toSorted(byPlanOrder)));
  const isSingle =
    units.length <= 1 &&
    large.length === 0 &&
    sumBytes(missing) <= maxUnitBytes &&
    verify.length <= 1 &&
    sumBytes(toVerify) * verifyIn.length <= maxUnitBytes &&
    toPublish.flat().length <= maxSingleManifests;
  const kind = isSingle ? "single" : "copy";
  return { v: 1, kind, units, large, levels: toPublish, ...(verifyIn.length > 0 && { verify }) };
}

/** The units of blobs that are each named once: those that need checkpoints apart, numbered after the others. */
export function planUnits(
  blobs: readonly PlannedBlob[],
  needsCheckpoints: (sizeBytes: number) => boolean,
): Pick<ImportPlan, "units" | "large"> {
  const sorted = blobs.toSorted(byPlanOrder);
  const isLarge = ({ sizeBytes, inline }: PlannedBlob) => inline === undefined && needsCheckpoints(sizeBytes);
  const units = toUnits(packUnits(sorted.filter((blob) => !isLarge(blob))));
  const large = sorted.filter(isLarge).map((blob, at): Unit => ({ n: units.length + at, blobs: [blob] }));
  return { units, large };
}

function toUnits(packed: readonly PlannedBlob[][]): Unit[] {
  return packed.map((blobs, n) => ({ n, blobs }));
}

function sumBytes(blobs: readonly PlannedBlob[]): number {
  return blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function mergeByDigest(blobs: readonly BlobToPlan[]): readonly PlannedBlob[] {
  const merged = new Map<Digest, PlannedBlob>();
  for (const { digest, sizeBytes, missingIn, isInline } of blobs) {
    const known = merged.get(digest);
    const targets = [...new Set([...(known?.targets ?? []), ...missingIn])].sort((a, b) => a - b);
    if (targets.length === 0) continue;
    const inline = isInline || known?.inline ? ({ inline: true } as const) : {};
    merged.set(digest, { digest, sizeBytes, targets, ...inline });
  }
  return [...merged.values()];
}

function byPlanOrder(a: PlannedBlob, b: PlannedBlob): number {
  return b.sizeBytes - a.sizeBytes || (a.digest < b.digest ? -1 : 1);
}

/** First fit, largest first. */
function packUnits(blobs: readonly PlannedBlob[]): readonly PlannedBlob[][] {
  const units: { readonly blobs: PlannedBlob[]; leftBytes: number }[] = [];
  const open: (typeof units)[number][] = [];
  for (const blob of blobs) {
    if (blob.sizeBytes > maxSharedBlobBytes) {
      units.push({ blobs: [blob], leftBytes: 0 });
      continue;
    }
    const unit = open.find(({ leftBytes, blobs: { length } }) => leftBytes >= blob.sizeBytes && length < maxUnitBlobs);
    if (unit === undefined) {
      const opened = { blobs: [blob], leftBytes: maxUnitBytes - blob.sizeBytes };
      units.push(opened);
      open.push(opened);
    } else {
      unit.blobs.push(blob);
      unit.leftBytes -= blob.sizeBytes;
      if (unit.blobs.length === maxUnitBlobs) open.splice(open.indexOf(unit), 1);
    }
  }
  return units.map((unit) => unit.blobs);
}

function distinctLevels(levels: readonly (readonly Digest[])[], without: readonly Digest[]): Digest[][] {
  const seen = new Set<Digest>(without);
  const fresh = levels.map((level) => level.filter((digest) => !seen.has(digest) && seen.add(digest)));
  return fresh.filter(({ length }) => length > 0);
}
