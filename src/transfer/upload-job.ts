import { createHasher, type Digest } from "../digest.ts";
import { ImportError } from "../errors.ts";
import type { Repository } from "../registry/registry.ts";
import { type BlobReader, type BlobReaderDeps, openBlobReader } from "./blob-reader.ts";
import { type Budget, type BudgetClock, isOver } from "./budget.ts";
import { hasBlob } from "./has-blob.ts";
import { corrupt } from "./lane.ts";
import type { TransferSettings } from "./transfer-settings.ts";
import type { GiveUp } from "./upload-canceller.ts";

export interface UploadDeps extends Omit<BlobReaderDeps, "rangeBytes">, BudgetClock {
  readonly settings: TransferSettings;
  readonly giveUp: GiveUp;
}

/** One blob to be sent from one repository to another. */
export interface UploadJob {
  readonly source: Repository;
  readonly target: Repository;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Its bytes, where they are known: no GET is made. */
  readonly inline?: Uint8Array;
  /** The target lacks what it says to have: it is sent whatever a HEAD says, and not mounted. */
  readonly isRepair: boolean;
  /** See {@link BlobToSend}. */
  readonly isRepeated: boolean;
  readonly budget: Budget;
  /** A failure that may pass has ended an upload in the midst of its content. */
  readonly onCut: () => void;
  /** Bytes of this blob that were passed to the target so far; falls back when an upload starts over. */
  readonly onProgress: (bytes: number) => void;
}

/** How one upload session ended: completed, kept (`paused`), or given up. */
export type UploadEnd =
  | { readonly kind: "done" }
  /** The next call goes on with the session. `error` is the passing failure that ended this one; else the budget did. */
  | { readonly kind: "paused"; readonly error?: ImportError }
  /** The budget ended with what cannot be gone on with; `hasSent` is false where it went by in waiting for a turn. */
  | { readonly kind: "stopped"; readonly hasSent: boolean }
  /** The target no longer knows the session, or stored something else than was sent. */
  | { readonly kind: "lost" }
  /** The target says that what it got does not have the digest. */
  | { readonly kind: "rejected" }
  /** 413 to so many bytes in one request. */
  | { readonly kind: "too-large"; readonly bytes: number }
  /** The target takes no chunks at all. */
  | { readonly kind: "chunks-refused" }
  /** The connection broke, and the blob did not turn up. */
  | { readonly kind: "broken"; readonly error: ImportError };

/** The content of the job's blob from `startBytes` on. */
export function openContent(deps: UploadDeps, job: UploadJob, startBytes: number, signal: AbortSignal): BlobReader {
  const { rangeBytes } = deps.settings;
  if (job.inline === undefined && job.sizeBytes > 0)
    return openBlobReader({ ...deps, rangeBytes }, { ...job, startBytes }, signal);
  const bytes = job.inline?.subarray(startBytes) ?? new Uint8Array();
  let isRead = bytes.byteLength === 0;
  return {
    prime: async () => {},
    next: async () => {
      if (isRead) return { done: true, value: undefined };
      isRead = true;
      return { done: false, value: bytes };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** What `verified` needs to know of a job's blob, but for the part that is sent. */
export function verification(job: UploadJob) {
  const { source, digest, sizeBytes } = job;
  return { digest, sizeBytes, corrupt: (what: string) => corrupt({ source, digest }, what) };
}

/** A hasher that has already seen nothing; for an empty blob nothing is all there is to check. */
export function startHash({ digest, sizeBytes, source }: UploadJob) {
  const hasher = createHasher(digest);
  if (sizeBytes === 0 && createHasher(digest).digest() !== digest) throw corrupt({ source, digest }, "is not empty");
  return hasher;
}

/** Whether the target says that it has the blob; where that is what is wrong, its word counts for nothing. */
export async function hasArrived(job: UploadJob, signal: AbortSignal): Promise<boolean> {
  return !job.isRepair && (await hasBlob(job.target, job, signal));
}

const lookEveryMs = 5_000;
const looks = 12; // for 60 s

/**
 * After the last byte was sent and no answer came: waits for the blob to turn up, since a target that is still storing
 * it would get all of it twice. False when it did not within a minute.
 */
export async function turnsUp(deps: UploadDeps, job: UploadJob, signal: AbortSignal): Promise<boolean> {
  for (let look = 0; ; look += 1) {
    if (await hasArrived(job, signal)) return true;
    if (job.isRepair || look === looks || isOver(job.budget, deps.now)) return false;
    await deps.sleep(lookEveryMs, signal);
  }
}

/** Whether the answer to a request was lost, rather than given: by the network, or by a gateway that did not wait. */
export function isAnswerLost(thrown: unknown): thrown is ImportError {
  if (!(thrown instanceof ImportError) || thrown.code !== "TARGET_UNAVAILABLE") return false;
  return thrown.httpStatus === undefined || thrown.httpStatus === 502 || thrown.httpStatus === 504;
}
