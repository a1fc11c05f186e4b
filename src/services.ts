import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { ManagedIdentityCredential } from "@azure/identity";
import type { Config, StorageConfig } from "./config.ts";
import { assertAllowedSource, assertAllowedTarget } from "./domain/allow-list.ts";
import { maxTimeoutSeconds } from "./domain/import-request-schema.ts";
import type { ImportSpec } from "./domain/import-spec.ts";
import { queueNames } from "./domain/queue-message.ts";
import { ImportError } from "./errors.ts";
import { type ActivityDeps, createActivityHandler } from "./functions/activities/activity-frame.ts";
import { createCopyAndFinish } from "./functions/activities/copy-and-finish.ts";
import { createCopyBlobSegment, createCopyBlobs } from "./functions/activities/copy-blobs.ts";
import { createCopyPlannedUnit } from "./functions/activities/copy-planned-unit.ts";
import { createFinishImport } from "./functions/activities/finish-import.ts";
import { createPublishLevel, createPublishManifests } from "./functions/activities/publish-manifests.ts";
import { createPublishRoot } from "./functions/activities/publish-root.ts";
import { createResolveImport } from "./functions/activities/resolve-import.ts";
import { type ArmDeps, createArm, type ToDurable } from "./functions/arm/create-arm.ts";
import { createBeginAgain } from "./functions/begin-again.ts";
import { createCancelRunning } from "./functions/cancel-running.ts";
import { createCancellationWatch } from "./functions/cancellation-watch.ts";
import { createClaimId } from "./functions/claim-id.ts";
import { type AfterEnd, createEndImport } from "./functions/end-import.ts";
import { createEndedImports } from "./functions/ended-imports.ts";
import { createEventServices } from "./functions/events/event-services.ts";
import { createViewImport } from "./functions/import-answer.ts";
import { createImportQueue } from "./functions/import-queue.ts";
import type { Log } from "./functions/log.ts";
import { createOpenRepositories } from "./functions/open-repositories.ts";
import type { Course } from "./functions/orchestrators/input.ts";
import { createPlanOnly } from "./functions/plan-only.ts";
import { createItemAfterEnd, createPromotionServices } from "./functions/promotions/compose.ts";
import { createEnqueueItems } from "./functions/promotions/enqueue-items.ts";
import { createRetryAttempt } from "./functions/retry-attempt.ts";
import { createRunningActivities } from "./functions/running-activities.ts";
import { createStartImport } from "./functions/start-import.ts";
import type { StepName } from "./functions/steps.ts";
import { createStopImport } from "./functions/stop-import.ts";
import { createCancelImport } from "./functions/triggers/cancel-import.ts";
import { createDeleteImport } from "./functions/triggers/delete-import.ts";
import { createGetHealth } from "./functions/triggers/get-health.ts";
import { createGetImport } from "./functions/triggers/get-import.ts";
import { createGetImportParts } from "./functions/triggers/get-import-parts.ts";
import { createListImports } from "./functions/triggers/list-imports.ts";
import { createPostImports } from "./functions/triggers/post-imports.ts";
import { createRetryImport } from "./functions/triggers/retry-import.ts";
import { createSweepImports } from "./functions/triggers/sweep-imports.ts";
import { createWaitForEnd } from "./functions/wait-for-end.ts";
import { createRegistryClient, defaultLimits } from "./registry/client.ts";
import type { Registry } from "./registry/registry.ts";
import { createNetwork } from "./services-network.ts";
import { createRuleServices } from "./services-rules.ts";
import { createScheduleServices, createSelectionServices } from "./services-schedules.ts";
import { createImports } from "./store/imports.ts";
import { createKeys } from "./store/keys.ts";
import { createOpen } from "./store/open.ts";
import { createParts } from "./store/parts.ts";
import { createPromotionItems } from "./store/promotion-items.ts";
import { createPromotions } from "./store/promotions.ts";
import { createQueueAccess } from "./store/queues.ts";
import { createSealer } from "./store/sealing.ts";
import { createSecrets } from "./store/secrets.ts";
import { createTableAccess, type StorageLocation } from "./store/storage-client.ts";
import { createUploads } from "./store/uploads.ts";
import { createCopyBlob } from "./transfer/copy-blob.ts";
import { createCopyUnit } from "./transfer/copy-unit.ts";
import { createPublishing } from "./transfer/publishing.ts";
import { resolveImport } from "./transfer/resolve-import.ts";
import { defaultTransferSettings, needsCheckpoints } from "./transfer/transfer-settings.ts";

/** Retries of a step are for what is none of a registry's doing: storage trouble, a worker that died. */
const course: Course = {
  retry: { firstMs: 1_000, attempts: 6, backoff: 2, maxMs: 30_000 },
  maxActivities: 300,
  maxWaitSeconds: 7 * 3_600,
  maxUnreachableRounds: 8,
};

const userAgent = "drayage/0.1";
const wholeBlobBudgetMs = 115 * 60_000; // functionTimeout of host.json, less 5 min
const cancelPollMs = 2_000;
const endPolls = { firstPollMs: 1_000, longestPollMs: 16_000 };

/** Builds everything the functions need from the settings. Nothing here touches the network. */
export function createServices(config: Config, log: Log, stopping: AbortSignal, isEmbedded: boolean) {
  const now = () => new Date();
  const nowMs = () => Date.now();
  const sleep = async (ms: number, signal: AbortSignal): Promise<void> => {
    try {
      await delay(ms, undefined, { signal, ref: false });
    } catch {
      signal.throwIfAborted(); // the signal's own reason instead of an AbortError
    }
  };

  const storage = toLocation(config.storage);
  const access = createTableAccess({ storage, tablePrefix: config.tablePrefix });
  const queues = createQueueAccess({ storage, namePrefix: config.tablePrefix, onTransaction: access.count });
  const imports = createImports(access);
  const open = createOpen(access);
  const parts = createParts(access);
  const keys = createKeys(access);
  const sealer = createSealer(config.secretsKeys);
  const secrets = createSecrets(access, sealer);
  const uploads = createUploads(access, { now, sealer, every });

  const limits = {
    ...defaultLimits,
    connectionsPerHost: config.connectionsPerHost,
    requestsPerHost: config.requestsPerHost,
  };
  const network = createNetwork(config, log);
  const client = createRegistryClient({ limits, network, userAgent, random: Math.random, sleep, now, log });
  const repositories = createOpenRepositories({
    client,
    registries: config.registries,
    insecureHosts: config.insecureHosts,
    readSecret: secrets.read,
  });

  const settings = {
    ...defaultTransferSettings,
    activityBudgetMs: config.activityBudgetSeconds * 1_000,
    bufferBytes: config.bufferBytes,
    ...(config.largeBlobBytes === undefined ? {} : { largeBlobBytes: config.largeBlobBytes }),
  };
  const isLarge = (sizeBytes: number, target: Registry) => needsCheckpoints(sizeBytes, target, settings);
  const copyBlob = createCopyBlob({ settings, leases: uploads, now: nowMs, sleep });
  const copyUnit = createCopyUnit({ copyBlob, parallelBlobs: settings.parallelBlobs });

  const endedImports = createEndedImports();
  const cancellation = createCancellationWatch({ readStopped: open.readStopped, pollMs: cancelPollMs, log });
  const stop = createStopImport({ imports, open, cancellation });
  const events = createEventServices({
    ...{ settings: config.events, network, userAgent, tables: access, queues, stopping, log, now },
    foreignQueue: createQueueAccess({ storage, namePrefix: "", onTransaction: access.count }).queue,
    credential: () => identity(config.storage),
  });
  const requestSettings = {
    defaultTarget: config.defaultTarget,
    registries: config.registries,
    registrySuffix: config.registrySuffix,
    defaultConflict: "fail",
    defaultTimeoutSeconds: Math.min(config.defaultTimeoutSeconds, maxTimeoutSeconds),
  } as const;
  const selections = createSelectionServices({ access, repositories, requestSettings, allow: config.allow, now });
  const promotions = createPromotions(access);
  const items = createPromotionItems(access);
  const itemAfterEnd = createItemAfterEnd({ items });
  const afterEnd: AfterEnd = async (record) => {
    await selections.rememberImported(record); // before the item's end, which may be that of its promotion
    await itemAfterEnd(record);
    await events.announceImport(record);
  };
  const endImport = createEndImport({ imports, open, secrets, endedImports, afterEnd, log, now });
  const startImport = createStartImport({ imports, open, secrets, course, now });
  const view = createViewImport({ parts, now });
  const waitForEnd = createWaitForEnd({ imports, ended: endedImports, ...endPolls });
  const planOnly = createPlanOnly({ repositories, resolve: resolveImport, needsCheckpoints: isLarge, now });

  const processStartedAt = now();
  const copyPlannedUnit = createCopyPlannedUnit({
    ...{ parts, repositories, copyUnit, now, processStartedAt, wholeBlobBudgetMs },
  });
  const { publishManifests, putTags } = createPublishing({ sleep, random: Math.random });
  const publishRoot = createPublishRoot({ parts, repositories, publishManifests, putTags });
  const publishLevel = createPublishLevel({ parts, repositories, publishManifests });
  const frame: ActivityDeps = { imports, stop, cancellation, stopping, budgetMs: settings.activityBudgetMs, now, log };
  const copyDeps = { parts, copyPlannedUnit };
  const finishDeps = { imports, parts, repositories, publishRoot, endImport, now };
  const resolveDeps = { imports, parts, repositories, resolve: resolveImport, needsCheckpoints: isLarge, now };

  const { track, ended } = createRunningActivities();
  /** By the names that orchestrators call them by. */
  const activities: Readonly<Record<StepName, (raw: unknown) => Promise<unknown>>> = {
    resolveImport: track(createActivityHandler(frame, createResolveImport(resolveDeps))),
    copyBlobs: track(createActivityHandler(frame, createCopyBlobs(copyDeps))),
    copyBlobSegment: track(createActivityHandler(frame, createCopyBlobSegment(copyDeps))),
    publishManifests: track(createActivityHandler(frame, createPublishManifests({ parts, publishLevel }))),
    copyAndFinish: track(
      createActivityHandler(frame, createCopyAndFinish({ ...finishDeps, copyPlannedUnit, publishLevel })),
    ),
    finishImport: track(createActivityHandler(frame, createFinishImport(finishDeps))),
  };

  const assertMaySeal = () => {
    if (!sealer.isAvailable) throw noKey();
  };
  const assertAllowed = ({ source, target }: ImportSpec) => {
    assertAllowedSource(source.registry, config.allow);
    assertAllowedTarget(target.registry, config.allow);
  };
  const rules = createRuleServices({
    ...{ access, requestSettings, startImport, assertAllowed, now, log },
    allow: config.allow,
    hookSecrets: config.hookSecrets,
  });
  const endCancelled = (id: Parameters<typeof endImport>[0]) => endImport(id, { state: "Cancelled" });
  const claimId = createClaimId({ keys, randomBytes, now });
  const beginAgain = createBeginAgain({ imports, parts, secrets, startImport });
  const retry = createRetryAttempt({ beginAgain, assertAllowed, now });
  const promotionServices = createPromotionServices({
    ...{ promotions, items, imports, startImport, stop, claimId, assertAllowed, course, stopping, track, log, now },
    settings: requestSettings,
    retry,
    cancel: createCancelRunning({ stop, endCancelled, now }),
    enqueue: createEnqueueItems(queues.queue(queueNames.imports).send),
    expandPage: selections.expandPage,
    onlyChanged: selections.onlyChanged,
    announcePromotion: events.announcePromotion,
    budgetMs: settings.activityBudgetMs,
  });
  const importQueue = createImportQueue({
    ...{
      access,
      queues,
      imports,
      beginAgain,
      startImport,
      afterEnd,
      log,
      now,
      assertAllowed,
      settings: requestSettings,
    },
    ...{ startPromotion: promotionServices.startPromotion, startItem: promotionServices.startItem },
  });
  const schedules = createScheduleServices({
    ...{ access, requestSettings, allow: config.allow, scheduleTags: selections.scheduleTags, promotions, now, log },
    startPromotion: promotionServices.startPromotion,
    viewPromotion: promotionServices.view,
  });

  const armDeps: ArmDeps = {
    ...{
      imports,
      parts,
      keys,
      startImport,
      waitForEnd,
      assertAllowed,
      assertMaySeal,
      randomBytes,
      now,
      log,
      isEmbedded,
    },
    ...{ settings: requestSettings, allow: config.allow, registries: config.registries, callers: config.callers },
  };

  return {
    activities: { ...activities, ...promotionServices.activities },
    promotions: promotionServices,
    /** By the names of their routes; `toDurable` makes the durable client of an invocation. */
    arm: (toDurable: ToDurable) => createArm(armDeps, toDurable),
    activitiesEnded: ended,
    events,
    onRegistryEvent: rules.onRegistryEvent,
    handlers: {
      ...events.handlers,
      ...rules.handlers,
      ...promotionServices.handlers,
      ...schedules.handlers,
      getImport: createGetImport({ imports, view }),
      getImportParts: createGetImportParts({ imports, parts }),
      listImports: createListImports({ imports, open, items }),
      ...importQueue.handlers,
      deleteImport: createDeleteImport({ imports, parts, open, secrets }),
      getHealth: createGetHealth({
        open,
        transactions: access.transactions,
        registries: () => namedRegistries(config, repositories),
        now: nowMs,
      }),
    },
    durableHandlers: {
      ...rules.durableHandlers,
      ...promotionServices.durableHandlers,
      ...schedules.durableHandlers,
      postImports: createPostImports({
        settings: requestSettings,
        assertAllowed,
        assertMaySeal,
        claimId,
        startImport,
        waitForEnd,
        planOnly,
        view,
        now,
      }),
      cancelImport: createCancelImport({ stop, endCancelled, view, now }),
      retryImport: createRetryImport({ imports, retry, assertMaySeal, view }),
    },
    onImportMessage: importQueue.onImportMessage,
    onPoisonMessage: importQueue.onPoisonMessage,
    sweepImports: createSweepImports({ imports, open, secrets, startImport, endImport, afterEnd, log, now }),
    sweepPromotions: promotionServices.sweep,
    runSchedules: schedules.runSchedules,
    sweepStores: async () => {
      await keys.deleteExpired(now());
      await uploads.deleteAbandoned(now());
      await importQueue.drainPoison();
    },
    close: async () => {
      await client.close();
      await events.close();
      access.close();
    },
  };
}

/** In Azure by the app's identity; never a chain of whatever happens to sign in. */
function toLocation(storage: StorageConfig): StorageLocation {
  if (storage.kind === "connectionString") return { connectionString: storage.connectionString };
  return { accountName: storage.accountName, credential: identity(storage), suffix: "core.windows.net" };
}

/** The app's own: the user-assigned one that the settings name, else the system-assigned one. */
function identity(storage: StorageConfig): ManagedIdentityCredential {
  const clientId = storage.kind === "identity" ? storage.clientId : undefined;
  return clientId === undefined ? new ManagedIdentityCredential() : new ManagedIdentityCredential({ clientId });
}

function namedRegistries(
  { registries, defaultTarget }: Config,
  repositories: ReturnType<typeof createOpenRepositories>,
) {
  const hosts = new Set([...(defaultTarget === undefined ? [] : [defaultTarget]), ...registries.exactHosts]);
  return [...hosts].map((host) => repositories.registryOf(host));
}

function every(ms: number, run: () => void): () => void {
  const timer = setInterval(run, ms).unref();
  return () => clearInterval(timer);
}

function noKey(): ImportError {
  return new ImportError({
    code: "INVALID_REQUEST",
    stage: "accept",
    property: "source.credentials",
    what: "this service has no key to seal credentials with",
    hint: "the operator can set SECRETS_KEY, or name the registry in REGISTRIES",
  });
}
