import type { RequestSettings } from "./domain/import-request.ts";
import type { ImportSpec } from "./domain/import-spec.ts";
import { itemEnded } from "./domain/promotion-item.ts";
import type { ItemCounts, PromotionRecord } from "./domain/promotion-record.ts";
import type { CancelRunning } from "./functions/cancel-running.ts";
import type { ClaimId } from "./functions/claim-id.ts";
import type { AfterEnd } from "./functions/end-import.ts";
import type { Log } from "./functions/log.ts";
import type { Course } from "./functions/orchestrators/input.ts";
import { createAdvancePromotion } from "./functions/promotions/advance-promotion.ts";
import { createExpandPromotion } from "./functions/promotions/expand-promotion.ts";
import { type AfterPromotionEnd, createFinishPromotion } from "./functions/promotions/finish-promotion.ts";
import { createPlanSelection, planMs } from "./functions/promotions/plan-selection.ts";
import type { EnqueueItems } from "./functions/promotions/ports.ts";
import { createPromotionActivity, type PromotionActivityDeps } from "./functions/promotions/promotion-activity.ts";
import type { PromotionStepName } from "./functions/promotions/promotion-steps.ts";
import { createResetPromotion } from "./functions/promotions/reset-promotion.ts";
import type { ExpandPage, OnlyChanged } from "./functions/promotions/selection-page.ts";
import { createStartItem } from "./functions/promotions/start-item.ts";
import { createStartPromotion, settingsFor } from "./functions/promotions/start-promotion.ts";
import { createSweepPromotions } from "./functions/promotions/sweep-promotions.ts";
import { countsOf, createViewPromotion } from "./functions/promotions/view-promotion.ts";
import type { RetryAttempt } from "./functions/retry-attempt.ts";
import type { StartImport } from "./functions/start-import.ts";
import type { StopImport } from "./functions/stop-import.ts";
import {
  type ChangePromotionDeps,
  createCancelPromotion,
  createRetryPromotion,
} from "./functions/triggers/change-promotion.ts";
import {
  createGetPromotion,
  createListPromotionItems,
  createListPromotions,
  type GetPromotionsDeps,
} from "./functions/triggers/get-promotions.ts";
import { createPostPromotions } from "./functions/triggers/post-promotions.ts";
import type { Imports } from "./store/imports.ts";
import type { PromotionItems } from "./store/promotion-items.ts";
import type { Promotions } from "./store/promotions.ts";

export interface PromotionDeps {
  readonly promotions: Promotions;
  readonly items: PromotionItems;
  readonly imports: Pick<Imports, "read">;
  readonly startImport: Pick<StartImport, "accept">;
  readonly retry: RetryAttempt;
  readonly cancel: CancelRunning;
  readonly stop: StopImport;
  readonly claimId: ClaimId;
  readonly enqueue: EnqueueItems;
  readonly expandPage: ExpandPage;
  readonly onlyChanged: OnlyChanged;
  /** Sends the event of its end. */
  readonly announcePromotion: (record: PromotionRecord, readCounts: () => Promise<ItemCounts>) => Promise<void>;
  /** Promotions have their own default of `conflict`. */
  readonly settings: RequestSettings;
  readonly assertAllowed: (spec: ImportSpec) => void;
  readonly course: Course;
  readonly stopping: AbortSignal;
  readonly budgetMs: number;
  /** Notes a running activity, so that the process does not end under it. */
  readonly track: <Outcome>(run: (raw: unknown) => Promise<Outcome>) => (raw: unknown) => Promise<Outcome>;
  readonly log: Log;
  readonly now: () => Date;
}

/** Seconds between two looks at the window of a promotion. */
const tickSeconds = 2;

/** Everything about promotions, made of what the service has. */
export function createPromotionServices(deps: PromotionDeps) {
  const { promotions, items, expandPage, onlyChanged, announcePromotion, now, log, track, claimId } = deps;
  const settings = settingsFor(deps.settings, {});
  const starter = createStartPromotion({ ...deps, settings, tickSeconds });
  const view = createViewPromotion({ items, now });
  const afterPromotionEnd: AfterPromotionEnd = async (record) =>
    await announcePromotion(record, async () => countsOf(await items.sum(record.id)));
  const frame: PromotionActivityDeps = deps;
  const activities: Readonly<Record<PromotionStepName, (raw: unknown) => Promise<unknown>>> = {
    resetPromotion: track(createPromotionActivity(frame, createResetPromotion({ items }))),
    expandPromotion: track(
      createPromotionActivity(
        frame,
        createExpandPromotion({ promotions, items, expandPage, onlyChanged, settings, now }),
      ),
    ),
    advancePromotion: track(createPromotionActivity(frame, createAdvancePromotion(deps))),
    finishPromotion: track(
      createPromotionActivity(frame, createFinishPromotion({ promotions, items, afterPromotionEnd, log, now })),
    ),
  };
  const reading: GetPromotionsDeps = { promotions, items, view };
  const changing: ChangePromotionDeps = { ...deps, startInstance: starter.startInstance, view };
  return {
    activities,
    startItem: createStartItem({ ...deps, settings }),
    startPromotion: starter.start,
    view,
    sweep: createSweepPromotions({ ...deps, afterPromotionEnd, startInstance: starter.startInstance }),
    handlers: {
      listPromotions: createListPromotions(reading),
      getPromotion: createGetPromotion(reading),
      listPromotionItems: createListPromotionItems(reading),
    },
    durableHandlers: {
      postPromotions: createPostPromotions({
        ...{ starter, claimId, view, now },
        planSelection: createPlanSelection({ expandPage, settings, deadline: () => AbortSignal.timeout(planMs) }),
      }),
      cancelPromotion: createCancelPromotion(changing),
      retryPromotion: createRetryPromotion(changing),
    },
  };
}

/** Writes the end of an import into its item's row, where it has one. */
export function createItemAfterEnd({ items }: { readonly items: Pick<PromotionItems, "update"> }): AfterEnd {
  return async (record) => {
    if (record.promotion === undefined) return;
    const { id, item } = record.promotion;
    await items.update(id, item, (current) => itemEnded(current, record));
  };
}
