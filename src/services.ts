import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { identity } from "./app-identity.ts";
import type { Config } from "./config.ts";
import { assertAllowedSource, assertAllowedTarget } from "./domain/allow-list.ts";
import type { ImportSpec } from "./domain/import-spec.ts";
import { maxTimeoutSeconds } from "./domain/import-timeout.ts";
import { queueNames } from "./domain/queue-names.ts";
import { assertAllowedSecret } from "./domain/source-secrets.ts";
import { createArm, type ToDurable } from "./functions/arm/create-arm.ts";
import { createBeginAgain } from "./functions/begin-again.ts";
import { createCancelRunning } from "./functions/cancel-running.ts";
import { createCancellationWatch } from "./functions/cancellation-watch.ts";
import { createClaimId } from "./functions/claim-id.ts";
import { type AfterEnd, createEndImport } from "./functions/end-import.ts";
import { createEndedImports } from "./functions/ended-imports.ts";
import { createEventServices } from "./functions/events/event-services.ts";
import { createForgetImport } from "./functions/forget-import.ts";
import { createEveryMinute } from "./functions/housekeeping/every-minute.ts";
import { createImportQueue } from "./functions/import-queue.ts";
import type { Log } from "./functions/log.ts";
import type { Course } from "./functions/orchestrators/input.ts";
import { createEnqueueItems } from "./functions/promotions/enqueue-items.ts";
import { createRetryAttempt } from "./functions/retry-attempt.ts";
import { createSignsOfLife } from "./functions/signs-of-life.ts";
import { createStartImport } from "./functions/start-import.ts";
import { createStopImport } from "./functions/stop-import.ts";
import type { Telemetry } from "./functions/telemetry/telemetry.ts";
import { accepting, measuringQueue } from "./functions/telemetry/tracing.ts";
import { createGetHealth } from "./functions/triggers/get-health.ts";
import { createSweepImports } from "./functions/triggers/sweep-imports.ts";
import { createWaitForEnd } from "./functions/wait-for-end.ts";
import { createActivityServices } from "./services-activities.ts";
import { createDelegationServices } from "./services-delegation.ts";
import { createHousekeeping } from "./services-housekeeping.ts";
import { createImportHandlers } from "./services-imports.ts";
import { createItemAfterEnd, createPromotionServices } from "./services-promotions.ts";
import { createRegistryServices } from "./services-registries.ts";
import { createRuleServices } from "./services-rules.ts";
import { createScheduleServices, createSelectionServices } from "./services-schedules.ts";
import { createAppCredential } from "./services-sign-in.ts";
import { createStores } from "./services-storage.ts";
import { createVerifyServices } from "./services-verify.ts";

/** Retries of a step are for what is none of a registry's doing: storage trouble, a worker that died. */
const course: Course = {
  retry: { firstMs: 1_000, attempts: 6, backoff: 2, maxMs: 30_000 },
  maxActivities: 300,
  maxWaitSeconds: 7 * 3_600,
  maxUnreachableRounds: 8,
  tellsCuts: true,
};

const userAgent = "drayage/0.1";
const cancelPollMs = 2_000;
const endPolls = { firstPollMs: 1_000, longestPollMs: 16_000 };

export interface ServicesDeps {
  readonly config: Config;
  readonly log: Log;
  readonly stopping: AbortSignal;
  readonly isEmbedded: boolean;
  readonly telemetry: Telemetry;
}

/** Builds everything the functions need from the settings. Nothing here touches the network. */
export function createServices({ config, log, stopping, isEmbedded, telemetry }: ServicesDeps) {
  const now = () => new Date();
  const elapsedMs = () => performance.now();
  const { allow } = config;
  const stores = createStores(config, log, now);
  const { access, queues, imports, open, parts, keys, secrets, promotions, items } = stores;
  const registries = createRegistryServices({
    ...{ config, hosts: stores.hosts, isEmbedded, userAgent, sleep, now, elapsedMs, log, secrets },
    observe: telemetry.observeRequest,
  });
  const { network, repositories, canceller } = registries;

  const requestSettings = {
    defaultTarget: config.defaultTarget,
    registries: config.registries,
    registrySuffix: config.registrySuffix,
    defaultConflict: "fail",
    defaultTimeoutSeconds: Math.min(config.defaultTimeoutSeconds, maxTimeoutSeconds),
  } as const;
  const assertAllowed = (spec: ImportSpec) => {
    const { source, target } = spec;
    if (source.isAssumed === undefined) assertAllowedSource(source.registry, allow); // else once its host is known
    assertAllowedTarget(target.registry, allow);
    assertAllowedSecret(spec, config.signIn.sourceSecrets);
  };

  const endedImports = createEndedImports();
  const cancellation = createCancellationWatch({ readStopped: open.readStopped, pollMs: cancelPollMs, log });
  const life = createSignsOfLife({ heartbeat: stores.heartbeat, open, log, now });
  const stop = createStopImport({ imports, open, cancellation });
  const events = createEventServices({
    ...{ settings: config.events, network, userAgent, tables: access, queues, stopping, log, now },
    foreignQueue: stores.foreignQueue,
    credential: () => identity(config.storage),
  });
  const selections = createSelectionServices({ access, repositories, requestSettings, allow, now });
  const itemAfterEnd = createItemAfterEnd({ items });
  const afterEnd: AfterEnd = async (record) => {
    await selections.rememberImported(record); // before the item's end, which may be that of its promotion
    await itemAfterEnd(record);
    await events.announceImport(record);
  };
  const endImport = createEndImport({
    ...{ imports, open, secrets, endedImports, afterEnd, log, now },
    count: telemetry.importEnded,
  });
  const endCancelled = (attempt: Parameters<typeof endImport>[0]) => endImport(attempt, { state: "Cancelled" });
  const startImport = accepting(telemetry, createStartImport({ imports, open, secrets, course, now }));
  const waitForEnd = createWaitForEnd({ imports, ended: endedImports, ...endPolls });
  const delegation = createDelegationServices({
    ...{ config, network, repositories, userAgent, assertAllowed, sleep, now, sealer: stores.sealer },
    credential: () => createAppCredential(config.signIn, isEmbedded),
  });
  const { activities, planOnly, track, ended, budgetMs } = createActivityServices({
    ...{ config, stores, repositories, delegation, endImport, stop, cancellation, life, stopping, telemetry },
    ...{ canceller, sleep, now, elapsedMs, log },
  });

  const claimId = createClaimId({ keys, randomBytes, now });
  const beginAgain = createBeginAgain({ imports, open, parts, secrets, startImport });
  const retry = createRetryAttempt({ beginAgain, assertAllowed, randomBytes, now });
  const forgetImport = createForgetImport({ ...stores, now });
  const importHandlers = createImportHandlers({
    forgetImport,
    ...{ stores, requestSettings, assertAllowed, claimId, startImport, retry, stop, endCancelled, waitForEnd },
    ...{ planOnly, now },
  });
  const rules = createRuleServices({
    ...{ access, requestSettings, startImport, assertAllowed, allow, hookSecrets: config.hookSecrets, now, log },
  });
  const promotionServices = createPromotionServices({
    ...{ promotions, items, imports, startImport, stop, claimId, assertAllowed, course, stopping, track, log, now },
    settings: requestSettings,
    retry,
    cancel: createCancelRunning({ stop, endCancelled, now }),
    enqueue: createEnqueueItems(queues.queue(queueNames.imports).send),
    expandPage: selections.expandPage,
    onlyChanged: selections.onlyChanged,
    announcePromotion: events.announcePromotion,
    budgetMs,
  });
  const { startPromotion, startItem } = promotionServices;
  const importQueue = createImportQueue({
    ...{ access, queues, imports, beginAgain, startImport, afterEnd, log, now, assertAllowed },
    ...{ settings: requestSettings, startPromotion, startItem },
  });
  const schedules = createScheduleServices({
    ...{ access, requestSettings, allow, scheduleTags: selections.scheduleTags, promotions, now, log },
    startPromotion,
    viewPromotion: promotionServices.view,
  });

  const armDeps = {
    ...{ imports, parts, keys, startImport, waitForEnd, assertAllowed, randomBytes, now, log, isEmbedded, network },
    ...{ settings: requestSettings, allow, registries: config.registries, callers: config.callers },
    assertMaySeal: importHandlers.assertMaySeal,
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
      ...importHandlers.handlers,
      ...events.handlers,
      ...rules.handlers,
      ...promotionServices.handlers,
      ...schedules.handlers,
      ...importQueue.handlers,
      ...registries.handlersFor(requestSettings),
      ...createVerifyServices({ config, requestSettings, repositories, sleep, elapsedMs }),
      getHealth: createGetHealth({
        open,
        transactions: access.transactions,
        registries: registries.namedRegistries,
        now: () => Date.now(),
      }),
    },
    durableHandlers: {
      ...importHandlers.durableHandlers,
      ...rules.durableHandlers,
      ...promotionServices.durableHandlers,
      ...schedules.durableHandlers,
    },
    onImportMessage: measuringQueue(telemetry, importQueue.onImportMessage, now),
    onPoisonMessage: importQueue.onPoisonMessage,
    everyMinute: createEveryMinute({
      tasks: {
        runSchedules: schedules.runSchedules,
        sweepImports: createSweepImports({ imports, open, parts, secrets, startImport, endImport, afterEnd, log, now }),
        sweepPromotions: promotionServices.sweep,
      },
      beat: isEmbedded ? () => undefined : () => log("minute-ended", {}), // nobody wants it in a terminal
      log,
    }),
    ...createHousekeeping({
      ...{ config, stores, repositories, forgetImport, beginAgain, endImport, stopping, log, now, elapsedMs },
      drainPoison: importQueue.drainPoison,
    }),
    close: async () => {
      await registries.close();
      await events.close();
      await delegation.close();
      access.close();
    },
  };
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal, ref: false });
  } catch {
    signal.throwIfAborted(); // the signal's own reason instead of an AbortError
  }
}
