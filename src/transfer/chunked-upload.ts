import { ImportError, unreachable } from "../errors.ts";
import { completeUpload, finalAnswerMs, type PutOutcome, patchChunk, startUpload } from "../registry/uploads.ts";
import { alarmWhenOver, alarmWhenOverdue, BudgetEndedError, isOver } from "./budget.ts";
import { hasBlob } from "./has-blob.ts";
import {
  type ChunkedUpload,
  type ChunkedUploadDeps,
  pause,
  relocate,
  saveCheckpoint,
  takeUp,
  type UploadRun,
} from "./kept-session.ts";
import type { UploadPosition } from "./live-uploads.ts";
import { learnUploadRate } from "./transfer-settings.ts";
import { isAnswerLost, openContent, startHash, turnsUp, type UploadEnd, verification } from "./upload-job.ts";
import { LeaseLostError } from "./upload-lease.ts";
import { createSplitter, type VerifiedContent, verified } from "./verified.ts";

/**
 * Sends a blob in chunks, one after the other in one session, and goes on where a former call has stopped: with the hash
 * that this process still has, else without one; then the target's check of the closing PUT decides. Pauses
 * between two chunks when the budget ends, and cuts a chunk that takes much longer. A passing failure of either side
 * pauses it too, where the session survives that; docs/architecture.md lists which do. Throws {@link LeaseLostError}
 * when another import goes on with the session.
 */
export async function uploadChunked(
  deps: ChunkedUploadDeps,
  upload: ChunkedUpload,
  signal: AbortSignal,
): Promise<UploadEnd> {
  const run: UploadRun = {
    ...{ deps, upload, signal, position: undefined, saved: undefined, unused: upload.opened },
    isSound: true,
    hasSent: false,
  };
  let isKept = false;
  try {
    const end = await sendOrPause(run);
    isKept = end.kind === "done" || end.kind === "paused";
    return end;
  } catch (thrown) {
    isKept = thrown instanceof LeaseLostError; // wherever that came up: the session is the other import's now
    throw thrown;
  } finally {
    if (!isKept) await deps.giveUp(upload.job.target, run.position?.session);
    await deps.giveUp(upload.job.target, run.unused);
  }
}

const maxRelocations = 3;

async function sendOrPause(run: UploadRun): Promise<UploadEnd> {
  try {
    await takeUp(run);
    return (await sendChunks(run)) ?? (await complete(run));
  } catch (thrown) {
    if (!isPassing(thrown, run) || !run.isSound || run.position === undefined) throw thrown;
    return await pause(run, run.position, thrown);
  }
}

/** Sends what is missing; undefined when all is there and only the closing PUT is due. */
async function sendChunks(run: UploadRun): Promise<UploadEnd | undefined> {
  const { deps, upload, signal } = run;
  const { job } = upload;
  let broken: ImportError | undefined;
  for (let relocations = 0; relocations <= maxRelocations; relocations += 1) {
    const startBytes = run.position?.session.offsetBytes ?? 0;
    if (startBytes === job.sizeBytes) return undefined;
    using over = alarmWhenOver(job.budget, deps);
    const inTime = AbortSignal.any([signal, over.signal]);
    await using reader = openContent(deps, job, startBytes, inTime);
    try {
      await reader.prime();
      run.position ??= await begin(run, inTime);
    } catch (thrown) {
      if (!(thrown instanceof BudgetEndedError)) throw thrown;
      return run.position === undefined ? { kind: "stopped", hasSent: false } : await pause(run, run.position);
    }
    over[Symbol.dispose](); // a chunk that has begun may take longer
    const end = await sendFrom(run, run.position, createSplitter(reader));
    if (end?.kind !== "relocated") return end;
    broken = end.error;
  }
  return broken === undefined || run.position === undefined ? { kind: "lost" } : await pause(run, run.position, broken);
}

async function begin(run: UploadRun, signal: AbortSignal): Promise<UploadPosition> {
  const { job } = run.upload;
  const session = run.unused ?? (await startUpload(job.target, signal));
  run.unused = undefined;
  return { session, hasher: startHash(job), isSure: true };
}

/** The target stands elsewhere than was thought: there it goes on. `error`: what has broken the chunk. */
interface Relocated {
  readonly kind: "relocated";
  readonly error?: ImportError;
}

async function sendFrom(
  run: UploadRun,
  start: UploadPosition,
  pieces: (lengthBytes: number) => AsyncIterator<Uint8Array>,
): Promise<UploadEnd | Relocated | undefined> {
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
      onChunk: job.onProgress,
    });
    const sent = await sendChunk(run, position, content, endBytes);
    if ("kind" in sent) return sent;
    position = sent;
    await saveCheckpoint(run, position);
  }
  return undefined;
}

async function sendChunk(
  run: UploadRun,
  position: UploadPosition,
  content: VerifiedContent,
  endBytes: number,
): Promise<UploadPosition | UploadEnd | Relocated> {
  const { deps, upload, signal } = run;
  const { target } = upload.job;
  const lengthBytes = endBytes - position.session.offsetBytes;
  using late = alarmWhenOverdue(upload.job.budget, deps);
  const inTime = AbortSignal.any([signal, late.signal]);
  const startedAt = deps.now();
  const outcome = await patchChunk(target, position.session, { bytes: content, lengthBytes }, inTime).catch(
    (thrown: unknown) => afterFailedChunk(run, position, content, thrown),
  );
  switch (outcome.kind) {
    case "accepted":
      learnUploadRate(lengthBytes, deps.now() - startedAt, upload.job);
      run.hasSent = true;
      run.position = { session: outcome.session, hasher: position.hasher, isSure: true };
      return run.position;
    case "session-lost":
      return { kind: "lost" };
    case "chunks-refused":
      return outcome;
    case "range-mismatch":
      return (await relocate(run, position, content, endBytes)) ? { kind: "relocated" } : { kind: "lost" };
    case "too-large":
      return { kind: "too-large", bytes: lengthBytes };
    case "broken":
      return (await relocate(run, position, content, endBytes)) ? { ...outcome, kind: "relocated" } : outcome;
    case "source-broken":
      if (!(await relocate(run, position, content, endBytes)) || !run.position) throw outcome.error;
      return await pause(run, run.position, outcome.error);
    case "overdue":
      // What came in time is kept, where the target can tell how much that is.
      return (await relocate(run, position, content, endBytes)) && run.position
        ? await pause(run, run.position)
        : { kind: "stopped", hasSent: true };
    default:
      return unreachable(outcome);
  }
}

/** The target may have it in part: asked where it stands, it may still go on. */
type FailedChunk =
  | { readonly kind: "broken"; readonly error: ImportError }
  | { readonly kind: "source-broken"; readonly error: ImportError }
  | { readonly kind: "overdue" };

/** Throws what the target cannot have taken anything of, and what no repeat cures. */
function afterFailedChunk(
  run: UploadRun,
  { session }: UploadPosition,
  content: VerifiedContent,
  thrown: unknown,
): FailedChunk {
  content.stop();
  const failure = content.failure() ?? thrown;
  if (failure instanceof BudgetEndedError) return { kind: "overdue" };
  if (!isPassing(failure, run)) {
    run.isSound = false;
    throw failure;
  }
  if (isRefusedUnread(failure)) {
    if (content.seenBytes() > session.offsetBytes) run.position = { session, hasher: undefined, isSure: false };
    throw failure;
  }
  return { kind: failure.side === "target" ? "broken" : "source-broken", error: failure };
}

/** What may go when the same is tried later. */
function isPassing(thrown: unknown, { signal }: UploadRun): thrown is ImportError {
  return thrown instanceof ImportError && thrown.retryable && !signal.aborted;
}

/** Throttled, held back here, or without a valid token: the request was not carried out, the session is as it was. */
function isRefusedUnread(thrown: unknown): boolean {
  if (!(thrown instanceof ImportError) || thrown.side !== "target" || !thrown.retryable) return false;
  const isBusy = thrown.httpStatus === 503 && thrown.retryAfterSeconds !== undefined;
  return thrown.code === "TARGET_RATE_LIMITED" || thrown.httpStatus === 401 || isBusy;
}

async function complete(run: UploadRun): Promise<UploadEnd> {
  const { deps, upload, position, signal } = run;
  const { job } = upload;
  if (position === undefined) return { kind: "lost" };
  const isShort = deps.now() + finalAnswerMs(job.sizeBytes) > job.budget.endsAt && run.hasSent; // the next call begins with a whole budget
  if (isShort || job.budget.stopping.aborted) return await pause(run, position);
  const outcome = await completeUpload(job.target, position.session, job.digest, signal).catch((thrown: unknown) =>
    afterFailedClose(run, position, thrown),
  );
  run.isSound = false; // closed, or of no use
  switch (outcome.kind) {
    case "done":
      // Without a hash of our own, the blob is there only if the target says so.
      return position.hasher !== undefined || (await hasBlob(job.target, job, signal)) ? outcome : { kind: "lost" };
    case "digest-rejected":
      return { kind: "rejected" };
    case "session-lost":
    case "too-large":
      return { kind: "lost" };
    case "broken":
      return outcome;
    default:
      return unreachable(outcome);
  }
}

/** The blob may have been stored all the same; a session whose closing was not even tried can be closed later. */
async function afterFailedClose(
  run: UploadRun,
  position: UploadPosition,
  thrown: unknown,
): Promise<PutOutcome | { readonly kind: "broken"; readonly error: ImportError }> {
  const isLost = isAnswerLost(thrown) && !run.signal.aborted;
  run.isSound = isLost || isRefusedUnread(thrown);
  if (!isLost) throw thrown;
  run.position = { ...position, isSure: false };
  return (await turnsUp(run.deps, run.upload.job, run.signal)) ? { kind: "done" } : { kind: "broken", error: thrown };
}
