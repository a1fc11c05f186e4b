import type { Via } from "../domain/import-plan.ts";
import { waitSecondsAfter } from "../domain/wait-seconds.ts";
import { ImportError, unreachable } from "../errors.ts";
import { mountBlob } from "../registry/blobs.ts";
import type { UploadSession } from "../registry/uploads.ts";
import { type BudgetClock, isOver } from "./budget.ts";
import { createByteBudget } from "./byte-budget.ts";
import { createKeyedLock } from "./keyed-lock.ts";
import { type LiveUploads, uploadName } from "./live-uploads.ts";
import { createMountMemory } from "./mount-memory.ts";
import { mountSources } from "./mount-sources.ts";
import { type StreamResult, streamBlob } from "./stream-blob.ts";
import { leaseBytes, needsCheckpoints, type TransferSettings } from "./transfer-settings.ts";
import type { GiveUp } from "./upload-canceller.ts";
import { hasArrived, type UploadJob } from "./upload-job.ts";
import { LeaseLostError, type UploadKey, type UploadLease, type UploadLeases } from "./upload-lease.ts";

/** `now` is a clock that nobody sets back, in milliseconds. */
export interface CopyBlobDeps extends BudgetClock {
  readonly settings: TransferSettings;
  readonly leases: UploadLeases;
  /** What calls have paused, for later ones. */
  readonly live: LiveUploads;
  readonly giveUp: GiveUp;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** One blob for one target repository. */
export interface CopyBlobJob extends UploadJob {
  /** Repositories of the target that hold the blob, as this import knows. */
  readonly filled: readonly string[];
  /** Whether to look first if the blob is there: on a retry, after a wait, or when the last look is old. */
  readonly headFirst: boolean;
  /** Import id: the same import takes its own lease over. */
  readonly owner: string;
}

export type BlobOutcome =
  | {
      readonly kind: "done";
      readonly via: Via;
      readonly ms: number;
      /** Upload sessions that were begun. */
      readonly attempts: number;
      readonly copiedBytes: number;
    }
  /** Asked to wait by a registry (`error`), or because another import is sending the blob. Look first when called again. */
  | { readonly kind: "wait"; readonly retryAfterSeconds: number; readonly error?: ImportError }
  /** The budget has ended: call again. `hasProgressed`: not all of the budget was in vain. */
  | { readonly kind: "more"; readonly hasProgressed: boolean };

export type CopyBlob = (job: CopyBlobJob, signal: AbortSignal) => Promise<BlobOutcome>;

const rememberedBlobs = 10_000;
const busyTries = 5; // a second apart
const busyRetrySeconds = 15;
/** How long one call waits for another of its process: beyond, it says that it is there by being called again. */
const followMs = 4 * 60_000;

/**
 * The blob ladder: is it there → mount → stream. One per process: what it learns and whom it makes wait is shared by all
 * its calls. Throws the ImportError of a failure; what a registry asks to wait for is an outcome.
 */
export function createCopyBlob(deps: CopyBlobDeps): CopyBlob {
  const { settings, leases, now, after, sleep, giveUp, live } = deps;
  const copying = createKeyedLock();
  const mounts = createMountMemory({ limit: rememberedBlobs, now });
  const buffers = createByteBudget(settings.bufferBytes);
  const uploadDeps = { settings, buffers, now, after, sleep, giveUp, live };

  /** Where mounts work, a blob travels once per host; elsewhere once per repository. */
  const lockName = (job: CopyBlobJob): string => {
    const { apiHost } = job.target.registry;
    return mounts.mayMount(apiHost) ? `${apiHost}@${job.digest}` : uploadName(keyOf(job));
  };

  const copy = async (job: CopyBlobJob, signal: AbortSignal): Promise<Ladder> => {
    const { registry, name } = job.target;
    await registry.recall(signal);
    // Brought there by this process since the plan was made: for another import, or before this step was repeated.
    let isLooking = job.headFirst || mounts.recall(registry.apiHost, job.digest) === name;
    for (;;) {
      if (isOver(job.budget, now)) return { kind: "more", hasProgressed: true };
      const opened = await mountRemembered(job, signal);
      if (opened === "mounted") return { kind: "done", via: "mounted", attempts: 1 };
      const lock = copying.tryAcquire(lockName(job));
      if (lock.kind === "held") {
        await giveUp(job.target, opened);
        if (!(await isReleasedInTime(lock.released, job, deps, signal))) return { kind: "more", hasProgressed: true };
        isLooking = true; // the other may have brought it, or failed for reasons of its own
        continue;
      }
      try {
        return await climb(job, { known: isLooking ? "look" : "missing", opened }, signal);
      } finally {
        lock.release();
      }
    }
  };

  /** A blob that this process has brought to the host before: many may mount it at once, nobody has to wait. */
  const mountRemembered = async (
    job: CopyBlobJob,
    signal: AbortSignal,
  ): Promise<"mounted" | UploadSession | undefined> => {
    const { target, digest } = job;
    const { apiHost } = target.registry;
    if (job.headFirst || job.isRepair || !mounts.mayMount(apiHost)) return undefined;
    const from = mounts.recall(apiHost, digest);
    if (from === undefined || from === target.name) return undefined;
    const outcome = await mountBlob(target, { digest, from }, signal);
    if (outcome.kind === "mounted") return "mounted";
    const isOfPlace = outcome.kind === "refused" && [401, 403, 404].includes(outcome.status);
    mounts.failed(apiHost, digest, isOfPlace ? "place" : "unknown");
    return outcome.kind === "session" ? outcome.session : undefined;
  };

  /** `opened`: a session that a target has opened instead of mounting. */
  const climb = async (
    job: CopyBlobJob,
    { known, opened }: { readonly known: "look" | "missing"; readonly opened: UploadSession | undefined },
    signal: AbortSignal,
  ): Promise<Ladder> => {
    let unused = opened;
    try {
      if (known === "look" && (await hasArrived(job, signal))) return { kind: "done", via: "skipped", attempts: 0 };
      const mount = opened ?? (job.isRepair ? undefined : await tryMount(job, signal));
      if (mount === "mounted") return { kind: "done", via: "mounted", attempts: 1 };
      unused = undefined; // the upload's own from here on
      if (job.sizeBytes >= leaseBytes || needsCheckpoints(job, settings))
        return await streamUnderLease(job, mount, signal);
      const key = keyOf(job);
      return toLadder(await streamBlob(uploadDeps, { job, key, lease: undefined, opened: mount }, signal), job);
    } finally {
      await giveUp(job.target, unused);
    }
  };

  /** "mounted", or the session that a target has opened instead. */
  const tryMount = async (job: CopyBlobJob, signal: AbortSignal): Promise<"mounted" | UploadSession | undefined> => {
    for (const from of mountSources(job)) {
      const outcome = await mountBlob(job.target, { digest: job.digest, from }, signal);
      if (outcome.kind === "mounted") return "mounted";
      if (outcome.kind === "session") return outcome.session;
    }
    return undefined;
  };

  const streamUnderLease = async (
    job: CopyBlobJob,
    opened: UploadSession | undefined,
    signal: AbortSignal,
  ): Promise<Ladder> => {
    let unused = opened;
    let lease: UploadLease | undefined;
    let isKept = false;
    try {
      const acquired = await acquire(job, signal);
      lease = acquired.lease;
      if (lease === undefined) return waitForOther;
      if (acquired.wasBusy && (await hasArrived(job, signal))) return { kind: "done", via: "skipped", attempts: 0 };
      unused = undefined; // the upload's own from here on
      const result = await streamBlob(uploadDeps, { job, key: keyOf(job), lease, opened }, signal);
      isKept = result.kind === "paused";
      return toLadder(result, job);
    } catch (thrown) {
      if (!(thrown instanceof LeaseLostError)) throw thrown;
      isKept = true; // as another import's
      return waitForOther;
    } finally {
      await giveUp(job.target, unused);
      if (lease !== undefined && !isKept) await releaseQuietly(lease);
    }
  };

  const acquire = async (job: CopyBlobJob, signal: AbortSignal) => {
    for (let tries = 1; ; tries += 1) {
      const lease = await leases.acquire(keyOf(job), job.owner, signal);
      if (lease !== "busy") return { lease, wasBusy: tries > 1 };
      if (tries > busyTries) return { lease: undefined, wasBusy: true };
      await sleep(1_000, signal);
    }
  };

  return async (job, signal) => {
    const startedAt = now();
    try {
      const end = await copy(job, signal);
      if (end.kind !== "done") return end;
      mounts.remember(job.target.registry.apiHost, job.digest, job.target.name);
      const copiedBytes = end.via === "copied" ? job.sizeBytes : 0;
      return { ...end, ms: now() - startedAt, copiedBytes };
    } catch (thrown) {
      const error = thrown instanceof ImportError && thrown.retryable ? thrown : undefined;
      if (error?.retryAfterSeconds === undefined) throw thrown;
      return { kind: "wait", retryAfterSeconds: waitSecondsAfter(error), error };
    }
  };
}

type Ladder =
  | Pick<BlobOutcome & { kind: "done" }, "kind" | "via" | "attempts">
  | Exclude<BlobOutcome, { kind: "done" }>;

const waitForOther: Ladder = { kind: "wait", retryAfterSeconds: busyRetrySeconds };

function toLadder(result: StreamResult, { budget }: CopyBlobJob): Ladder {
  switch (result.kind) {
    case "done":
      return { kind: "done", via: "copied", attempts: result.attempts };
    case "paused":
      if (result.error !== undefined) throw result.error;
      return { kind: "more", hasProgressed: true };
    case "stopped":
      return { kind: "more", hasProgressed: budget.stopping.aborted || !result.hasSent };
    default:
      return unreachable(result);
  }
}

function keyOf({ target, digest }: CopyBlobJob): UploadKey {
  return { registry: target.registry.apiHost, repository: target.name, digest };
}

/** Waits for another's lock, but not for long and not beyond the job's own budget. */
async function isReleasedInTime(
  released: Promise<void>,
  { budget }: CopyBlobJob,
  { now, sleep }: Pick<CopyBlobDeps, "now" | "sleep">,
  signal: AbortSignal,
): Promise<boolean> {
  const waiting = new AbortController();
  const any = AbortSignal.any([signal, budget.stopping, waiting.signal]);
  const timeUp = sleep(Math.min(Math.max(0, budget.endsAt - now()), followMs), any).catch(() => undefined); // asked below
  const isReleased = await Promise.race([released.then(() => true), timeUp.then(() => false)]);
  waiting.abort(new Error("the lock is released"));
  signal.throwIfAborted();
  return isReleased;
}

/** A lease that cannot be deleted runs out by itself: what became of the blob does not hang on it. */
async function releaseQuietly(lease: UploadLease): Promise<void> {
  await lease.release().catch(() => undefined);
}
