import { ImportError } from "../errors.ts";
import { getUploadStatus, type UploadSession } from "../registry/uploads.ts";
import type { LiveUploads, UploadPosition } from "./live-uploads.ts";
import type { UploadDeps, UploadEnd, UploadJob } from "./upload-job.ts";
import { type Checkpoint, LeaseLostError, type UploadKey, type UploadLease } from "./upload-lease.ts";
import type { VerifiedContent } from "./verified.ts";

export interface ChunkedUploadDeps extends UploadDeps {
  readonly live: LiveUploads;
}

export interface ChunkedUpload {
  readonly job: UploadJob;
  readonly key: UploadKey;
  readonly chunkBytes: number;
  /** Where checkpoints go; undefined for a blob that is not worth one: in another process it starts over. */
  readonly lease: UploadLease | undefined;
  /** Where the former holder of the lease has stopped. */
  readonly from: Checkpoint | undefined;
  /** A session that a refused mount has left. */
  readonly opened: UploadSession | undefined;
}

/** One call of a chunked upload: what changes while it runs. */
export interface UploadRun {
  readonly deps: ChunkedUploadDeps;
  readonly upload: ChunkedUpload;
  readonly signal: AbortSignal;
  position: UploadPosition | undefined;
  /** What the row of the lease says. */
  saved: Checkpoint | undefined;
  /** The session that a refused mount has left, until something is sent in it. */
  unused: UploadSession | undefined;
  /** The session can be gone on from later. Not where a request failed that may have left it in any state. */
  isSound: boolean;
  hasSent: boolean;
}

const keepSeconds = 600; // until the next activity goes on

/** Takes up the session of a former call, if there is one and the target can go on with it. */
export async function takeUp(run: UploadRun): Promise<void> {
  const { deps, upload, signal } = run;
  const { job, from } = upload;
  const { profile } = job.target.registry;
  const live = deps.live.take(upload.key, upload);
  run.saved = from;
  if (live !== undefined) run.position = live.position;
  else if (from !== undefined) {
    const session = { location: from.location, offsetBytes: from.offsetBytes };
    const isUsable = from.profile === profile.name && profile.checksDigest;
    // More than the checkpoint says may be there: it is older than the crash that ended its writer.
    if (isUsable) run.position = { session, hasher: undefined, isSure: false };
    else await deps.giveUp(job.target, session);
  }
  if (run.position?.isSure === false) {
    const { session, hasher } = run.position;
    const status = profile.reportsRange ? await getUploadStatus(job.target, session, signal) : session;
    run.position = undefined;
    if (status !== undefined && status.offsetBytes <= job.sizeBytes)
      run.position = { session: status, hasher: isAt(status, session) ? hasher : undefined, isSure: true };
    else await deps.giveUp(job.target, session);
  }
  if (run.position !== undefined) job.onProgress(run.position.session.offsetBytes);
}

/**
 * After a chunk that failed half-way: moves to where the target says that it stands, if it can be asked and its answer is
 * possible. Where it cannot be asked just now, the session can still be gone on from: by asking it later.
 */
export async function relocate(
  run: UploadRun,
  { session, hasher }: UploadPosition,
  content: VerifiedContent,
  sentBytes: number,
): Promise<boolean> {
  const { target } = run.upload.job;
  const { reportsRange, checksDigest } = target.registry.profile;
  run.position = { session, hasher: undefined, isSure: false };
  run.isSound = reportsRange && checksDigest;
  const status = reportsRange ? await getUploadStatus(target, session, run.signal) : undefined;
  run.isSound = false;
  if (status === undefined || status.offsetBytes > sentBytes) return false;
  const hashed = status.offsetBytes === content.seenBytes() ? hasher : undefined;
  if (hashed === undefined && !checksDigest) return false;
  run.position = { session: status, hasher: hashed, isSure: true };
  run.isSound = true;
  return true;
}

/**
 * Ends a call so that the next one goes on at `position`. Where storage fails this process still knows it; throws
 * {@link LeaseLostError} when another import goes on with the session.
 */
export async function pause(run: UploadRun, position: UploadPosition, error?: ImportError): Promise<UploadEnd> {
  const { lease, key } = run.upload;
  const { location, offsetBytes } = position.session;
  const isSaved = run.saved?.location === location && run.saved.offsetBytes === offsetBytes;
  if (!isSaved) await unlessStorageFails(save(run, position));
  await unlessStorageFails(lease?.keep(keepSeconds));
  const { target } = run.upload.job;
  await run.deps.live.put(key, { position, saved: run.saved, target, isLeased: lease !== undefined });
  return error === undefined ? { kind: "paused" } : { kind: "paused", error };
}

/**
 * An old Location that stays valid need not be saved each time. A stateful one is worth nothing after the next chunk, and
 * so is an old offset where the target cannot be asked for the newest one.
 */
export async function saveCheckpoint(run: UploadRun, position: UploadPosition): Promise<void> {
  const { hasStatefulLocation, reportsRange } = run.upload.job.target.registry.profile;
  const savedBytes = run.saved?.offsetBytes ?? 0;
  const isDue = position.session.offsetBytes - savedBytes >= run.deps.settings.checkpointBytes;
  if (hasStatefulLocation || !reportsRange || isDue) await save(run, position);
}

async function save(run: UploadRun, { session: { location, offsetBytes } }: UploadPosition): Promise<void> {
  const { lease, job } = run.upload;
  if (lease === undefined) return;
  const checkpoint = { location, offsetBytes, profile: job.target.registry.profile.name };
  await lease.save(checkpoint);
  run.saved = checkpoint;
}

/** A checkpoint that cannot be written costs at most what it would have saved: no reason to give the session up. */
async function unlessStorageFails(write: Promise<void> | undefined): Promise<void> {
  try {
    await write;
  } catch (thrown) {
    if (thrown instanceof LeaseLostError || !(thrown instanceof ImportError)) throw thrown;
  }
}

function isAt({ offsetBytes }: UploadSession, other: UploadSession): boolean {
  return offsetBytes === other.offsetBytes;
}
