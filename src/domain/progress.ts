import type { Part, Progress } from "./import-plan.ts";

/** What a sum needs to know of a part. */
export type CountedPart = Pick<Part, "kind" | "state" | "via" | "isVerified" | "sizeBytes">;

/** Bytes a running unit has moved of blobs whose parts are not done yet. */
export interface UnitBytes {
  readonly copiedBytes: number;
}

export interface ProgressSum {
  readonly parts: Iterable<CountedPart>;
  readonly units: Iterable<UnitBytes>;
  /** When copying began; undefined: not yet. */
  readonly startedAt: Date | undefined;
  readonly now: Date;
}

/** What the rows of an import add up to. */
export type ProgressCounts = Pick<Progress, "manifests" | "blobs" | "bytes" | "verified">;

/**
 * What stands in the parts and in the counts of running units, summed up. A part is counted from when it is done; until
 * then its unit's count stands for it. Rate and end as in {@link withRate}.
 */
export function sumProgress({ parts, units, startedAt, now }: ProgressSum): Progress {
  const manifests = { total: 0, done: 0 };
  const blobs = { total: 0, done: 0 };
  const bytes = { total: 0, copied: 0, mounted: 0, skipped: 0 };
  const verified = { blobs: 0, bytes: 0 };
  for (const { kind, state, via, isVerified, sizeBytes } of parts) {
    const isDone = state === "done";
    const counts = kind === "manifest" ? manifests : blobs;
    counts.total += 1;
    if (isDone) counts.done += 1;
    if (kind === "manifest") continue;
    bytes.total += sizeBytes;
    if (isDone) bytes[via ?? "copied"] += sizeBytes;
    if (isVerified) verified.blobs += 1;
    if (isVerified) verified.bytes += sizeBytes;
  }
  for (const { copiedBytes } of units) bytes.copied += copiedBytes;
  return withRate({ manifests, blobs, bytes, ...(verified.blobs > 0 && { verified }) }, startedAt, now);
}

/**
 * A progress with its rate as of `now`: the average over copied bytes since `startedAt`, since what was mounted or
 * skipped took no time. `etaSeconds` is there while a rate is known and bytes are left. A copy that is begun again
 * reports its bytes anew: more than there are is never shown.
 */
export function withRate(counts: ProgressCounts, startedAt: Date | undefined, now: Date): Progress {
  const { manifests, blobs, verified } = counts;
  const { total, mounted, skipped } = counts.bytes;
  const copied = Math.max(0, Math.min(counts.bytes.copied, total - mounted - skipped));
  const leftBytes = Math.max(0, total - copied - mounted - skipped);
  const seconds = startedAt === undefined ? 0 : (now.getTime() - startedAt.getTime()) / 1_000;
  const bytesPerSecond = seconds > 0 ? Math.round(copied / seconds) : 0;
  const isKnown = bytesPerSecond > 0 && leftBytes > 0;
  return {
    manifests,
    blobs,
    bytes: { total, copied, mounted, skipped },
    ...(verified && { verified }),
    bytesPerSecond,
    ...(isKnown ? { etaSeconds: Math.ceil(leftBytes / bytesPerSecond) } : {}),
  };
}
