import type { Digest } from "../digest.ts";

/** Which blob at which target: the key of table `Uploads`. */
export interface UploadKey {
  readonly registry: string;
  readonly repository: string;
  readonly digest: Digest;
}

/** Where an unfinished chunked upload goes on. `location` may hold a signature: stores seal it. */
export interface Checkpoint {
  readonly location: string;
  readonly offsetBytes: number;
  /** Profile the session was begun under. */
  readonly profile: string;
}

/** Thrown by a lease's methods when another import has taken over: its holder must stop writing at once. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
}

export interface UploadLease {
  /** From the former holder, if there is one to go on from. */
  readonly checkpoint: Checkpoint | undefined;
  readonly save: (checkpoint: Checkpoint | undefined) => Promise<void>;
  /** Keeps the checkpoint and gives the lease up to `seconds` more without renewal (activity ends with `more`). */
  readonly keep: (seconds: number) => Promise<void>;
  /** Deletes the row: the blob is there, or nothing of it shall be kept. */
  readonly release: () => Promise<void>;
}

/**
 * Cross-process single flight for blobs ≥ 64 MiB. The same owner takes over its own lease without waiting.
 * Implementations renew the lease while it is held; a lost renewal shows in the next `save`.
 */
export interface UploadLeases {
  readonly acquire: (key: UploadKey, owner: string, signal: AbortSignal) => Promise<UploadLease | "busy">;
}
