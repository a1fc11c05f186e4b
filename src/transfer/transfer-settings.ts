import { MiB } from "../descriptor.ts";
import type { Registry, Repository } from "../registry/registry.ts";

/** What the operator may tune about moving content. */
export interface TransferSettings {
  /** How long one activity works before it returns `more`. */
  readonly activityBudgetMs: number;
  /** Blobs from this size on are uploaded in chunks with checkpoints, whatever the measured rate says. */
  readonly largeBlobBytes: number;
  /** Bytes between two checkpoints, where an old Location stays valid. */
  readonly checkpointBytes: number;
  /** Memory that all read-ahead of this process shares. */
  readonly bufferBytes: number;
  /** Bytes per range that is read ahead. */
  readonly rangeBytes: number;
  /** Blobs of one unit that travel at once. */
  readonly parallelBlobs: number;
}

export const defaultTransferSettings: TransferSettings = {
  activityBudgetMs: 4 * 60_000,
  largeBlobBytes: Number.POSITIVE_INFINITY,
  checkpointBytes: 64 * MiB,
  bufferBytes: 96 * MiB,
  rangeBytes: 8 * MiB,
  parallelBlobs: 5,
};

/** Blobs from this size on are worth a lease: several imports must not send them at the same time. */
export const leaseBytes = 64 * MiB;

const assumedBytesPerSecond = 50 * MiB; // until an upload was measured

/** A blob that is to be sent, as far as it decides how. */
export interface BlobToSend {
  readonly sizeBytes: number;
  readonly source: Pick<Repository, "registry">;
  readonly target: Pick<Repository, "registry">;
  /** A call of before was cut off while it sent content: of what this one sends as much as can shall stay. */
  readonly isRepeated: boolean;
}

/**
 * Whether a blob may not end within one activity, so that it has to be sent in chunks that can be gone on from. One that is
 * repeated may have failed so already, in another process: what that one has measured is not known here.
 */
export function needsCheckpoints(
  { sizeBytes, source, target: { registry }, isRepeated }: BlobToSend,
  settings: TransferSettings,
): boolean {
  const { profile, learned } = registry;
  if (profile.chunkBytes === 0) return false;
  if (sizeBytes >= settings.largeBlobBytes || (isRepeated && sizeBytes > profile.minChunkBytes)) return true;
  const bytesPerSecond = learned.uploadRates.get(source.registry.apiHost) ?? assumedBytesPerSecond;
  return sizeBytes / bytesPerSecond > settings.activityBudgetMs / 1000 / 2;
}

/** Bytes per PATCH, or undefined where the blob goes as one PUT. */
export function chunkBytesFor(blob: BlobToSend, settings: TransferSettings): number | undefined {
  const { profile, learned } = blob.target.registry;
  if (profile.chunkBytes === 0) return undefined;
  const limit = learned.maxPutBytes ?? Number.POSITIVE_INFINITY;
  if (blob.sizeBytes <= limit && !needsCheckpoints(blob, settings)) return undefined;
  return Math.min(profile.chunkBytes, limit);
}

/** Learns from a 413 to `refusedBytes` at once. False: there is no smaller way to send them. */
export function learnTooLarge(refusedBytes: number, { profile, learn }: Registry): boolean {
  const { chunkBytes, minChunkBytes } = profile;
  if (chunkBytes === 0 || refusedBytes <= minChunkBytes) return false;
  learn({ maxPutBytes: Math.min(chunkBytes, Math.max(minChunkBytes, Math.floor(refusedBytes / 2))) });
  return true;
}

const minMeasuredBytes = 4 * MiB; // below, latency says more than the rate
const newestShare = 0.3;

/** Takes one upload, or what there was of it, into the moving average of its two registries. */
export function learnUploadRate(
  bytes: number,
  ms: number,
  { source, target }: Pick<BlobToSend, "source" | "target">,
): void {
  if (bytes < minMeasuredBytes || ms <= 0) return;
  const { uploadRates } = target.registry.learned;
  const rate = (bytes * 1000) / ms;
  const before = uploadRates.get(source.registry.apiHost) ?? rate;
  uploadRates.set(source.registry.apiHost, before + newestShare * (rate - before));
}
