import type { Part, Progress } from "./import-plan.ts";

/** What a sum needs to know of a part. */
export type CountedPart = Pick<Part, "kind" | "state" | "via" | "sizeBytes">;

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

/**
 * What stands in the parts and in the counts of running units, summed up. A part is counted from when it is done; until
 * then its unit's count stands for it. The rate is the average since the start, over copied bytes alone, since what was
 * mounted or skipped took no time; `etaSeconds` is there while a rate is known and bytes are left.
 */
export function sumProgress({ parts, units, startedAt, now }: ProgressSum): Progress {
  const manifests = { total: 0, done: 0 };
  const blobs = { total: 0, done: 0 };
  const bytes = { total: 0, copied: 0, mounted: 0, skipped: 0 };
  for (const { kind, state, via, sizeBytes } of parts) {
    const isDone = state === "done";
    const counts = kind === "manifest" ? manifests : blobs;
    counts.total += 1;
    if (isDone) counts.done += 1;
    if (kind === "manifest") continue;
    bytes.total += sizeBytes;
    if (isDone) bytes[via ?? "copied"] += sizeBytes;
  }
  const openBytes = bytes.total - bytes.copied - bytes.mounted - bytes.skipped;
  let runningBytes = 0;
  for (const { copiedBytes } of units) runningBytes += copiedBytes;
  bytes.copied += Math.min(runningBytes, openBytes); // a repeated copy counts its bytes anew
  return withRate({ manifests, blobs, bytes }, startedAt, now);
}

/** A progress with its rate as of `now`: the average since `startedAt`. */
export function withRate(
  counts: Pick<Progress, "manifests" | "blobs" | "bytes">,
  startedAt: Date | undefined,
  now: Date,
): Progress {
  const { manifests, blobs, bytes } = counts;
  const seconds = startedAt === undefined ? 0 : Math.max(0, (now.getTime() - startedAt.getTime()) / 1_000);
  const bytesPerSecond = seconds === 0 ? 0 : Math.round(bytes.copied / seconds);
  const leftBytes = Math.max(0, bytes.total - bytes.copied - bytes.mounted - bytes.skipped);
  const isKnown = bytesPerSecond > 0 && leftBytes > 0;
  return {
    manifests,
    blobs,
    bytes,
    bytesPerSecond,
    ...(isKnown ? { etaSeconds: Math.ceil(leftBytes / bytesPerSecond) } : {}),
  };
}
