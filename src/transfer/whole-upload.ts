import { ImportError, unreachable } from "../errors.ts";
import { putBlob, startUpload, type UploadSession } from "../registry/uploads.ts";
import { alarmWhenOver, BudgetEndedError } from "./budget.ts";
import { learnUploadRate } from "./transfer-settings.ts";
import {
  isAnswerLost,
  openContent,
  startHash,
  turnsUp,
  type UploadDeps,
  type UploadEnd,
  type UploadJob,
  verification,
} from "./upload-job.ts";
import { type VerifiedContent, verified } from "./verified.ts";

/**
 * Sends a blob as one PUT while it is read: GET first, the session when the first byte is there, since a target may
 * close an idle one while the source is still fetching. `opened` is a session that a refused mount has left.
 */
export async function uploadWhole(
  deps: UploadDeps,
  job: UploadJob,
  opened: UploadSession | undefined,
  signal: AbortSignal,
): Promise<UploadEnd> {
  let session = opened;
  using over = alarmWhenOver(job.budget, deps);
  const inTime = AbortSignal.any([signal, over.signal]);
  try {
    await using reader = openContent(deps, job, 0, inTime);
    await reader.prime();
    session ??= await startUpload(job.target, inTime);
    const content = verified(reader, {
      ...verification(job),
      hasher: startHash(job),
      startBytes: 0,
      endBytes: job.sizeBytes,
      onChunk: (seenBytes) => {
        if (seenBytes === job.sizeBytes) over[Symbol.dispose](); // the answer has a limit of its own
        job.onProgress(seenBytes);
      },
    });
    const end = await put(deps, job, { session, content, inTime }, signal);
    if (end.kind === "done") session = undefined;
    return end;
  } catch (thrown) {
    if (!(thrown instanceof BudgetEndedError)) throw thrown;
    return { kind: "stopped", hasSent: false }; // it has only waited for its turn
  } finally {
    await deps.giveUp(job.target, session);
  }
}

interface WholePut {
  readonly session: UploadSession;
  readonly content: VerifiedContent;
  /** Ends the request when the budget ends, too. */
  readonly inTime: AbortSignal;
}

async function put(
  deps: UploadDeps,
  job: UploadJob,
  { session, content, inTime }: WholePut,
  signal: AbortSignal,
): Promise<UploadEnd> {
  const { target, digest, sizeBytes } = job;
  const startedAt = deps.now();
  const measure = (): void => learnUploadRate(content.seenBytes(), deps.now() - startedAt, job);
  try {
    const request = { digest, sizeBytes, content };
    const outcome = await putBlob(target, session, request, inTime);
    switch (outcome.kind) {
      case "done":
        measure();
        return outcome;
      case "session-lost":
        return { kind: "lost" };
      case "digest-rejected":
        return { kind: "rejected" };
      case "too-large":
        return { kind: "too-large", bytes: sizeBytes };
      default:
        return unreachable(outcome);
    }
  } catch (thrown) {
    content.stop();
    const failure = content.failure() ?? thrown; // the request only knows that its body ended early
    if (failure instanceof BudgetEndedError) {
      measure(); // so that the next try knows that the blob needs chunks
      return { kind: "stopped", hasSent: content.seenBytes() > 0 };
    }
    if (failure instanceof ImportError && failure.side === "source") job.onCut();
    if (signal.aborted || !isAnswerLost(failure)) throw failure;
    if (content.seenBytes() === sizeBytes && (await turnsUp(deps, job, signal))) return { kind: "done" };
    return { kind: "broken", error: failure };
  }
}
