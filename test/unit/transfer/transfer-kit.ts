import { setImmediate } from "node:timers/promises";
import { expect, vi } from "vitest";
import { MiB } from "../../../src/descriptor.ts";
import { digestOf } from "../../../src/digest.ts";
import { ImportError } from "../../../src/errors.ts";
import { createRegistryClient, defaultLimits } from "../../../src/registry/client.ts";
import type { Registry, Repository } from "../../../src/registry/registry.ts";
import type { Budget } from "../../../src/transfer/budget.ts";
import { type BlobOutcome, type CopyBlobJob, createCopyBlob } from "../../../src/transfer/copy-blob.ts";
import { createLiveUploads } from "../../../src/transfer/live-uploads.ts";
import { defaultTransferSettings, type TransferSettings } from "../../../src/transfer/transfer-settings.ts";
import { createUploadCanceller } from "../../../src/transfer/upload-canceller.ts";
import {
  type Checkpoint,
  LeaseLostError,
  type UploadKey,
  type UploadLease,
  type UploadLeases,
} from "../../../src/transfer/upload-lease.ts";
import { createLoopbackNetwork } from "../../helpers/network.ts";
import type { SeededBlob, TestRegistry } from "../../helpers/registry.ts";
import { emptyBoard } from "../../helpers/registry-client.ts";
import type { RequestRecord } from "../../helpers/requests.ts";

/** Time that passes as it does, and at once where somebody sleeps for up to a minute. Longer sleeps end when it is skipped. */
function createTestClock() {
  const sleeps: number[] = [];
  const sleepers = new Set<{ readonly endsAt: number; readonly wake: () => void }>();
  let skippedMs = 0;
  const now = (): number => performance.now() + skippedMs;
  const skip = (ms: number): void => {
    skippedMs += ms;
    for (const { endsAt, wake } of sleepers) if (endsAt <= now()) wake();
  };
  const sleepLong = async (ms: number, signal: AbortSignal): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper = { endsAt: now() + ms, wake: resolve };
    const abort = () => reject(signal.reason);
    sleepers.add(sleeper);
    signal.addEventListener("abort", abort);
    await promise.finally(() => {
      sleepers.delete(sleeper);
      signal.removeEventListener("abort", abort);
    });
  };
  return {
    /** What was slept, in ms, in order. */
    sleeps,
    now,
    skip,
    after: (ms: number, run: () => void): (() => void) => {
      const alarm = { endsAt: now() + ms, wake: run };
      const timer = setTimeout(run, Math.min(ms, 2 ** 31 - 1));
      sleepers.add(alarm);
      return () => {
        clearTimeout(timer);
        sleepers.delete(alarm);
      };
    },
    sleep: async (ms: number, signal: AbortSignal): Promise<void> => {
      signal.throwIfAborted();
      if (ms > 60_000) return await sleepLong(ms, signal);
      sleeps.push(ms);
      skip(ms);
      await setImmediate();
    },
  };
}

/** Leases as the table keeps them, without their times. */
export function createTestLeases() {
  const rows = new Map<string, { owner: string; epoch: number; checkpoint: Checkpoint | undefined; isHeld: boolean }>();
  const saved: (Checkpoint | undefined)[] = [];
  let isDown = false;
  const nameOf = ({ registry, repository, digest }: UploadKey): string => `${registry}/${repository}@${digest}`;
  const leases: UploadLeases = {
    acquire: async (key, owner) => {
      const name = nameOf(key);
      const before = rows.get(name);
      if (before?.isHeld && before.owner !== owner) return "busy";
      const row = { owner, epoch: (before?.epoch ?? 0) + 1, checkpoint: before?.checkpoint, isHeld: true };
      rows.set(name, row);
      const assertHeld = (): void => {
        if (isDown) throw new ImportError({ code: "STORAGE_UNAVAILABLE", what: "storage is down", retryable: true });
        if (rows.get(name) !== row) throw new LeaseLostError("another import has taken over");
      };
      const lease: UploadLease = {
        checkpoint: row.checkpoint,
        save: async (checkpoint) => {
          assertHeld();
          row.checkpoint = checkpoint;
          saved.push(checkpoint);
        },
        keep: async () => {
          assertHeld();
        },
        release: async () => {
          if (rows.get(name) === row) rows.delete(name);
        },
      };
      return lease;
    },
  };
  /** Lets writes to leases that are held fail, or work again. */
  const setDown = (down: boolean): void => {
    isDown = down;
  };
  return { leases, rows, saved, setDown };
}

export interface KitOptions {
  readonly settings?: Partial<TransferSettings>;
  readonly attempts?: number;
  readonly stallMs?: number;
  /** Requests and sockets per host, of each kind. */
  readonly perHost?: number;
  /** Profile of the target. */
  readonly profile?: string;
  /** As if targets had answered 413 to more. */
  readonly maxPutBytes?: number;
  /** Uploads that are kept in memory. */
  readonly liveUploads?: number;
}

/** Everything one process has for moving blobs; a second kit is a second process. */
export function createKit(options: KitOptions = {}, leases = createTestLeases()) {
  const clock = createTestClock();
  // Registries in this very process are slow enough for read-ahead: only its own tests have memory for it.
  const settings = { ...defaultTransferSettings, bufferBytes: 0, ...options.settings };
  const { attempts = 1, stallMs = defaultLimits.stallMs, perHost = defaultLimits.requestsPerHost } = options;
  const limits = { ...defaultLimits, attempts, stallMs, requestsPerHost: perHost, connectionsPerHost: perHost };
  const client = createRegistryClient({
    observe: () => () => {},
    limits,
    network: createLoopbackNetwork(),
    board: emptyBoard,
    userAgent: "test",
    random: () => 0,
    sleep: clock.sleep,
    now: () => new Date(performance.timeOrigin + clock.now()),
    elapsedMs: clock.now,
    log: () => {},
  });
  const canceller = createUploadCanceller({ sleep: clock.sleep });
  const { giveUp } = canceller;
  const live = createLiveUploads({ limit: options.liveUploads ?? 64, giveUp });
  const { now, after, sleep } = clock;
  const copyBlob = createCopyBlob({ settings, leases: leases.leases, live, giveUp, now, after, sleep });
  const open = ({ host }: TestRegistry, side: "source" | "target"): Registry => {
    const registry = client.open({
      side,
      registry: host,
      stage: "copy",
      credentials: { kind: "anonymous" },
      insecure: true,
      ...(side === "target" && options.profile !== undefined && { profile: options.profile }),
    });
    if (side === "target" && options.maxPutBytes !== undefined) registry.learned.maxPutBytes ??= options.maxPutBytes;
    return registry;
  };
  const repository = (registry: TestRegistry, side: "source" | "target", name: string): Repository =>
    open(registry, side).repository(name, side === "source" ? ["pull"] : ["pull", "push"]);
  const budget = (ms = 240_000): Budget => ({ endsAt: clock.now() + ms, stopping: new AbortController().signal });
  const job = (
    source: TestRegistry,
    target: TestRegistry,
    blob: SeededBlob,
    more: Partial<CopyBlobJob> = {},
  ): CopyBlobJob => ({
    source: repository(source, "source", blob.repository),
    target: repository(target, "target", "team/app"),
    digest: blob.digest,
    sizeBytes: blob.sizeBytes,
    filled: [],
    headFirst: false,
    isRepair: false,
    isRepeated: false,
    onCut: () => {},
    owner: "import-1",
    budget: budget(),
    onProgress: () => {},
    ...more,
  });
  return {
    clock,
    client,
    settings,
    leases,
    live,
    giveUp,
    copyBlob,
    open,
    repository,
    budget,
    job,
    copy: (
      source: TestRegistry,
      target: TestRegistry,
      blob: SeededBlob,
      more: Partial<CopyBlobJob> = {},
      signal: AbortSignal = new AbortController().signal,
    ): Promise<BlobOutcome> => copyBlob(job(source, target, blob, more), signal),
    /** As when the process ends. */
    end: async () => {
      await Promise.all([live.close(), canceller.close(1_000)]);
    },
    [Symbol.asyncDispose]: async () => {
      await canceller.close(0);
      await client.close();
    },
  };
}

/** Chunks of 1 MiB with checkpoints for every blob from 1 MiB on. */
export const chunky: KitOptions = { settings: { largeBlobBytes: MiB }, maxPutBytes: MiB };

/** Nothing that was begun is left: no session at a target, and no download at a source that somebody still waits for. */
export async function expectNothingOpen(...registries: readonly TestRegistry[]): Promise<void> {
  const downloads = () => registries.flatMap(({ requests }) => requests.filter(isOpenDownload));
  await vi.waitFor(() => expect(downloads()).toEqual([])); // a registry hears of a closed connection a moment later
  expect(registries.flatMap(({ openSessions }) => openSessions())).toEqual([]);
}

function isOpenDownload({ kind, isOver }: RequestRecord): boolean {
  return kind === "blob-get" && !isOver;
}

/** Whether a registry has exactly that content in `team/app`, compared as a digest: matchers are slow on megabytes. */
export async function holds(registry: TestRegistry, blob: SeededBlob): Promise<boolean> {
  const stored = await registry.readBlob(blob.digest, "team/app");
  return stored !== undefined && digestOf(stored, blob.digest) === blob.digest;
}
