import { ImportError, unreachable } from "../errors.ts";
import { headBlob } from "../registry/blobs.ts";
import { completeUpload, getUploadStatus, patchChunk, startUpload, type UploadSession } from "../registry/uploads.ts";
import { BudgetEndedError, isOver, isOverdue } from "./budget.ts";
import type { LiveUploads, UploadPosition } from "./live-uploads.ts";
import { finalAnswerMs, learnUploadRate } from "./transfer-settings.ts";
import {
  giveUp,
  isAnswerLost,
  openContent,
  startHash,
  turnsUp,
  type UploadDeps,
  type UploadEnd,
  type UploadJob,
  verification,
} from "./upload-job.ts";
import { type Checkpoint, LeaseLostError, type UploadKey, type UploadLease } from "./upload-lease.ts";
import { createSplitter, type VerifiedContent, verified } from "./verified.ts";

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

/**
 * Sends a blob in chunks, one after the other in one session, and goes on where a former call has stopped: with the hash
 * that this process still has, else without one; then the target's check of the closing PUT decides. Pauses
 * between two chunks when the budget ends, and cuts a chunk that takes much longer. Throws {@link LeaseLostError} when another import goes on with the session.
 */
export async function uploadChunked(
  deps: ChunkedUploadDeps,
  upload: ChunkedUpload,
  signal: AbortSignal,
): Promise<UploadEnd> {
  const run: Run = { deps, upload, signal, position: undefined, isSound: true, hasSent: false, savedBytes: -1 };
  let isOpen = true;
  try {
    await resume(run);
    const end = (await sendChunks(run)) ?? (await complete(run));
    isOpen = end.kind !== "done" && end.kind !== "paused";
    return end;
  } catch (thrown) {
    if (thrown instanceof LeaseLostError) isOpen = false; // the session is the other import's now
    if (!(thrown instanceof ImportError) || !thrown.retryable || !run.isSound || !run.position) throw thrown;
    await pause(run, run.position);
    isOpen = false;
    return { kind: "paused", error: thrown };
  } finally {
    if (isOpen) await giveUp(upload.job.target, run.position?.session ?? upload.opened);
  }
}

/** One call of {@link uploadChunked}: what changes while it runs. */
interface Run {
  readonly deps: ChunkedUploadDeps;
  readonly upload: ChunkedUpload;
  readonly signal: AbortSignal;
  position: UploadPosition | undefined;
  /** No request on the session has failed half-way: it can be gone on from later. */
  isSound: boolean;
  hasSent: boolean;
  savedBytes: number;
}

const keepSeconds = 600; // until the next activity goes on
const maxRelocations = 3;

/** Takes up the session of a former call, if there is one and the target can go on with it. */
async function resume(run: Run): Promise<void> {
  const { deps, upload, signal } = run;
  const { job, from, lease } = upload;
  const { profile } = job.target.registry;
  const live = deps.live.take(upload.key);
  const isLive = lease === undefined || (from && isAt(from, live?.session)); // else another process has gone on with it
  if (isLive && live !== undefined) run.position = live;
  else if (from !== undefined) {
    const session = { location: from.location, offsetBytes: from.offsetBytes };
    const isUsable = from.profile === profile.name && profile.checksDigest;
    // More than the checkpoint says may be there: it is older than the crash that ended its writer.
    const status = isUsable && profile.reportsRange ? await getUploadStatus(job.target, session, signal) : session;
    if (isUsable && status !== undefined && status.offsetBytes <= job.sizeBytes)
      run.position = { session: status, hasher: undefined };
    else await giveUp(job.target, session);
  }
  if (run.position === undefined) return;
  run.savedBytes = from?.offsetBytes ?? -1;
  job.onProgress(run.position.session.offsetBytes);
  await giveUp(job.target, upload.opened);
}

/** Sends what is missing; undefined when all is there and only the closing PUT is due. */
async function sendChunks(run: Run): Promise<UploadEnd | undefined> {
  const { deps, upload, signal } = run;
  const { job } = upload;
  for (let relocations = 0; relocations <= maxRelocations; relocations += 1) {
    const startBytes = run.position?.session.offsetBytes ?? 0;
    if (startBytes === job.sizeBytes) return undefined;
    await using reader = openContent(deps, job, startBytes, signal);
    await reader.prime();
    run.position ??= { session: upload.opened ?? (await startUpload(job.target, signal)), hasher: startHash(job) };
    const end = await sendFrom(run, run.position, createSplitter(reader));
    if (end !== "relocated") return end;
  }
  return { kind: "lost" };
}

async function sendFrom(
  run: Run,
  start: UploadPosition,
  pieces: (lengthBytes: number) => AsyncIterator<Uint8Array>,
): Promise<UploadEnd | "relocated" | undefined> {
  const { job, chunkBytes } = run.upload;
  for (let position = start; position.session.offsetBytes < job.sizeBytes; ) {
    if (isOver(job.budget, run.deps.now)) return await pause(run, position);
    const { offsetBytes } = position.session;
    const endBytes = Math.min(offsetBytes + chunkBytes, job.sizeBytes);
    const content = verified(pieces(endBytes - offsetBytes), {
      ...verification(job),
      hasher: position.hasher,
      startBytes: offsetBytes,
      endBytes,
      onChunk: (seenBytes) => {
        if (seenBytes < endBytes && isOverdue(job.budget, run.deps.now)) throw new BudgetEndedError("budget used up");
        job.onProgress(seenBytes);
      },
    });
    const sent = await sendChunk(run, position, content, endBytes);
    if (sent === "relocated" || "kind" in sent) return sent;
    position = sent;
    await saveCheckpoint(run, position);
  }
  return undefined;
}

async function sendChunk(
  run: Run,
  position: UploadPosition,
  content: VerifiedContent,
  endBytes: number,
): Promise<UploadPosition | UploadEnd | "relocated"> {
  const { deps, upload, signal } = run;
  const { target } = upload.job;
  const lengthBytes = endBytes - position.session.offsetBytes;
  const startedAt = deps.now();
  const outcome = await patchChunk(target, position.session, { bytes: content, lengthBytes }, signal).catch(
    (thrown: unknown) => afterFailedChunk(run, position, content, thrown),
  );
  switch (outcome.kind) {
    case "accepted":
      learnUploadRate(lengthBytes, deps.now() - startedAt, target.registry);
      run.hasSent = true;
      run.position = { session: outcome.session, hasher: position.hasher };
      return run.position;
    case "session-lost":
      return { kind: "lost" };
    case "chunks-refused":
      return outcome;
    case "range-mismatch":
      return (await relocate(run, position, content, endBytes)) ? "relocated" : { kind: "lost" };
    case "too-large":
      return { kind: "too-large", bytes: lengthBytes };
    case "broken":
      return (await relocate(run, position, content, endBytes)) ? "relocated" : outcome;
    case "overdue":
      // What came in time is kept, where the target can tell how much that is.
      return (await relocate(run, position, content, endBytes)) && run.position
        ? await pause(run, run.position)
        : { kind: "stopped" };
    default:
      return unreachable(outcome);
  }
}

/** A chunk that the target may have in part: asked where it stands, it may still go on. Other failures are thrown. */
function afterFailedChunk(
  run: Run,
  position: UploadPosition,
  content: VerifiedContent,
  thrown: unknown,
): (UploadEnd & { readonly kind: "broken" }) | { readonly kind: "overdue" } {
  const failure = content.failure() ?? thrown;
  if (failure instanceof BudgetEndedError) return { kind: "overdue" };
  const isTargets = failure instanceof ImportError && failure.side === "target" && failure.retryable;
  if (isTargets && failure.code === "TARGET_UNAVAILABLE" && !run.signal.aborted)
    return { kind: "broken", error: failure };
  // Throttled: refused before it was read, so that the session stays where it was. Its hash may be ahead.
  run.isSound = isTargets;
  if (content.seenBytes() > position.session.offsetBytes)
    run.position = { session: position.session, hasher: undefined };
  throw failure;
}

/** Moves to where the target says that it stands, if it can be asked and its answer is possible. */
async function relocate(
  run: Run,
  { session, hasher }: UploadPosition,
  content: VerifiedContent,
  sentBytes: number,
): Promise<boolean> {
  const { target } = run.upload.job;
  const { reportsRange, checksDigest } = target.registry.profile;
  run.isSound = false;
  const status = reportsRange ? await getUploadStatus(target, session, run.signal) : undefined;
  if (status === undefined || status.offsetBytes > sentBytes) return false;
  const hashed = status.offsetBytes === content.seenBytes() ? hasher : undefined;
  if (hashed === undefined && !checksDigest) return false;
  run.position = { session: status, hasher: hashed };
  run.isSound = true;
  return true;
}

async function complete(run: Run): Promise<UploadEnd> {
  const { deps, upload, position, signal } = run;
  const { job } = upload;
  if (position === undefined) return { kind: "lost" };
  const answerMs = finalAnswerMs(job.sizeBytes);
  const isShort = deps.now() + answerMs > job.budget.endsAt && run.hasSent; // the next call begins with a whole budget
  if (isShort || job.budget.stopping.aborted) return await pause(run, position);
  run.isSound = false;
  try {
    const request = { digest: job.digest, headersTimeoutMs: answerMs };
    const outcome = await completeUpload(job.target, position.session, request, signal);
    switch (outcome.kind) {
      case "done":
        return position.hasher !== undefined || (await isWhole(job, signal)) ? outcome : { kind: "lost" };
      case "digest-rejected":
        return { kind: "rejected" };
      case "session-lost":
      case "too-large":
        return { kind: "lost" };
      default:
        return unreachable(outcome);
    }
  } catch (thrown) {
    if (signal.aborted || !isAnswerLost(thrown)) throw thrown;
    return (await turnsUp(deps, job, signal)) ? { kind: "done" } : { kind: "broken", error: thrown };
  }
}

/** Without a hash of our own, the blob is there only if the target says so and tells its size, where it tells one. */
async function isWhole({ target, digest, sizeBytes }: UploadJob, signal: AbortSignal): Promise<boolean> {
  const storedBytes = await headBlob(target, digest, signal);
  return storedBytes === sizeBytes || storedBytes === 0;
}

/**
 * An old Location that stays valid need not be saved each time. A stateful one is worth nothing after the next chunk, and
 * so is an old offset where the target cannot be asked for the newest one.
 */
async function saveCheckpoint(run: Run, { session }: UploadPosition): Promise<void> {
  const { hasStatefulLocation, reportsRange } = run.upload.job.target.registry.profile;
  const isDue = session.offsetBytes - run.savedBytes >= run.deps.settings.checkpointBytes;
  if (hasStatefulLocation || !reportsRange || isDue) await save(run, session);
}

async function pause(run: Run, position: UploadPosition): Promise<UploadEnd> {
  const { lease, key } = run.upload;
  if (run.savedBytes !== position.session.offsetBytes) await save(run, position.session);
  await lease?.keep(keepSeconds);
  run.deps.live.put(key, position);
  return { kind: "paused" };
}

async function save(run: Run, { location, offsetBytes }: UploadSession): Promise<void> {
  const { lease, job } = run.upload;
  await lease?.save({ location, offsetBytes, profile: job.target.registry.profile.name });
  run.savedBytes = offsetBytes;
}

function isAt({ location, offsetBytes }: Checkpoint, session: UploadSession | undefined): boolean {
  return session?.location === location && session.offsetBytes === offsetBytes;
}
