import type { Config } from "./config.ts";
import { type Activity, type ActivityDeps, createActivityHandler } from "./functions/activities/activity-frame.ts";
import { createCopyAndFinish } from "./functions/activities/copy-and-finish.ts";
import { createCopyBlobSegment, createCopyBlobs } from "./functions/activities/copy-blobs.ts";
import { createCopyPlannedUnit } from "./functions/activities/copy-planned-unit.ts";
import { createDelegateImport } from "./functions/activities/delegate-import.ts";
import { createFinishImport, type FinishImportDeps } from "./functions/activities/finish-import.ts";
import { createPlanRepair } from "./functions/activities/plan-repair.ts";
import { createPublishLevel, createPublishManifests } from "./functions/activities/publish-manifests.ts";
import { createPublishRoot } from "./functions/activities/publish-root.ts";
import { createResolveImport } from "./functions/activities/resolve-import.ts";
import { createVerifyBlobs } from "./functions/activities/verify-blobs.ts";
import { createVerifyPlannedUnit } from "./functions/activities/verify-planned-unit.ts";
import { createPlanOnly } from "./functions/plan-only.ts";
import { createRunningActivities } from "./functions/running-activities.ts";
import type { SignsOfLife } from "./functions/signs-of-life.ts";
import type { StepInput, StepName } from "./functions/steps.ts";
import type { Telemetry } from "./functions/telemetry/telemetry.ts";
import { measuring, tracing } from "./functions/telemetry/tracing.ts";
import type { DelegationServices } from "./services-delegation.ts";
import type { RegistryServices } from "./services-registries.ts";
import type { Stores } from "./services-storage.ts";
import { createByteBudget } from "./transfer/byte-budget.ts";
import { createCopyBlob } from "./transfer/copy-blob.ts";
import { createCopyUnit } from "./transfer/copy-unit.ts";
import { createLiveUploads } from "./transfer/live-uploads.ts";
import { createPublishing } from "./transfer/publishing.ts";
import { resolveImport } from "./transfer/resolve-import.ts";
import { type BlobToSend, defaultTransferSettings, needsCheckpoints } from "./transfer/transfer-settings.ts";
import { createVerifyUnit } from "./transfer/verify-unit.ts";

const liveUploads = 64;
const wholeBlobBudgetMs = 115 * 60_000; // functionTimeout of host.json, less 5 min

export interface ActivityServicesDeps extends Pick<ActivityDeps, "stop" | "cancellation" | "stopping" | "log"> {
  readonly config: Config;
  readonly stores: Stores;
  readonly repositories: RegistryServices["repositories"];
  readonly canceller: RegistryServices["canceller"];
  readonly delegation: DelegationServices;
  readonly endImport: FinishImportDeps["endImport"];
  readonly life: SignsOfLife;
  readonly telemetry: Telemetry;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly now: () => Date;
  /** Milliseconds of a clock that nobody sets back. */
  readonly elapsedMs: () => number;
}

/** The steps of imports, and what else needs to know how content moves. */
export function createActivityServices(deps: ActivityServicesDeps) {
  const { config, stores, repositories, endImport, stop, cancellation, life, stopping, telemetry } = deps;
  const { sleep, now, elapsedMs, log, canceller } = deps;
  const { locateSource, leaveToAcr, delegating } = deps.delegation;
  const { imports, uploads } = stores;
  const parts = measuring(telemetry, stores.parts);
  const settings = {
    ...defaultTransferSettings,
    activityBudgetMs: config.activityBudgetSeconds * 1_000,
    bufferBytes: config.bufferBytes,
    ...(config.largeBlobBytes === undefined ? {} : { largeBlobBytes: config.largeBlobBytes }),
  };
  const budgetMs = settings.activityBudgetMs;
  const isLarge = (blob: Omit<BlobToSend, "isRepeated">) => needsCheckpoints({ ...blob, isRepeated: false }, settings);
  const { giveUp } = canceller;
  const live = createLiveUploads({ limit: liveUploads, giveUp });
  const copyBlob = createCopyBlob({ settings, leases: uploads, live, giveUp, now: elapsedMs, after, sleep });
  const copyUnit = createCopyUnit({ copyBlob, parallelBlobs: settings.parallelBlobs });
  const processStartedAt = now();
  const copyPlannedUnit = createCopyPlannedUnit({
    ...{ parts, repositories, copyUnit, life, now, elapsedMs, processStartedAt, wholeBlobBudgetMs },
  });
  // One connection a blob and nothing kept: whatever is verified at once needs no share of BUFFER_BYTES.
  const reader = { ...settings, buffers: createByteBudget(0), now: elapsedMs, sleep };
  const verifyUnit = createVerifyUnit({ reader, after, parallelBlobs: settings.parallelBlobs });
  const verifyPlannedUnit = createVerifyPlannedUnit({
    ...{ parts, repositories, verifyUnit, life, elapsedMs, wholeBlobBudgetMs },
  });
  const publishing = createPublishing({ sleep, random: Math.random, giveUp });
  const planRepair = createPlanRepair({ parts, repositories });
  const publishRoot = createPublishRoot({ ...publishing, parts, repositories, planRepair });
  const publishLevel = createPublishLevel({ ...publishing, parts, repositories, planRepair });
  const frame: ActivityDeps = { imports, stop, cancellation, life, stopping, budgetMs, now, elapsedMs, log };
  const copyDeps = { parts, copyPlannedUnit };
  const finishDeps = { imports, parts, repositories, publishRoot, endImport, now };
  const resolving = { repositories, locateSource, resolve: resolveImport, needsCheckpoints: isLarge, now };

  const { track, ended: activitiesEnded } = createRunningActivities();
  /** What runs has stored how far it came, and no upload is left open that nobody could go on with: within `ms`. */
  const ended = async (ms: number): Promise<void> => {
    await Promise.all([activitiesEnded(ms), live.close(), canceller.close(ms)]);
  };
  const running = <Input extends StepInput, Outcome extends { readonly kind: string }>(
    step: Activity<Input, Outcome>,
  ) => track(tracing(telemetry, step.name, createActivityHandler(frame, step)));
  /** By the names that orchestrators call them by. */
  const activities: Readonly<Record<StepName, (raw: unknown) => Promise<unknown>>> = {
    resolveImport: running(createResolveImport({ ...resolving, imports, parts, leaveToAcr })),
    copyBlobs: running(createCopyBlobs(copyDeps)),
    copyBlobSegment: running(createCopyBlobSegment(copyDeps)),
    verifyBlobs: running(createVerifyBlobs({ imports, verifyPlannedUnit, now })),
    publishManifests: running(createPublishManifests({ parts, publishLevel })),
    delegateImport: running(createDelegateImport({ ...delegating, imports, parts, repositories, now })),
    copyAndFinish: running(createCopyAndFinish({ ...finishDeps, copyPlannedUnit, verifyPlannedUnit, publishLevel })),
    finishImport: running(createFinishImport(finishDeps)),
  };
  return { activities, planOnly: createPlanOnly(resolving), track, ended, budgetMs };
}

function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms).unref();
  return () => clearTimeout(timer);
}
