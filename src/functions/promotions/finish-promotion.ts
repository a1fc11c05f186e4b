import type { PromotionRecord } from "../../domain/promotion-record.ts";
import { itemsFailed, type PromotionEnd, promotionEnded } from "../../domain/promotion-transitions.ts";
import type { ItemSum, PromotionItems } from "../../store/promotion-items.ts";
import type { Promotions } from "../../store/promotions.ts";
import type { Log } from "../log.ts";
import type { PromotionActivity } from "./promotion-activity.ts";
import {
  type AdvanceOutcome,
  type FinishPromotionInput,
  finishPromotionInputSchema,
  type PromotionEndInput,
} from "./promotion-steps.ts";
import { countsOf } from "./view-promotion.ts";

/** Tells others of a promotion's end, once its record says so. The sweep repeats it when a crash came before its end. */
export type AfterPromotionEnd = (record: PromotionRecord) => Promise<void>;

export interface FinishPromotionDeps {
  readonly promotions: Pick<Promotions, "update" | "deleteOpen">;
  readonly items: Pick<PromotionItems, "sum">;
  readonly afterPromotionEnd: AfterPromotionEnd;
  readonly log: Log;
  readonly now: () => Date;
}

/** Writes the end of a promotion into its record, then tells of it. */
export function createFinishPromotion(
  deps: FinishPromotionDeps,
): PromotionActivity<FinishPromotionInput, AdvanceOutcome> {
  const { promotions, items, afterPromotionEnd, log, now } = deps;
  return {
    name: "finishPromotion",
    input: finishPromotionInputSchema,
    work: async ({ promotionId, attempt, end }) => {
      const sum = await items.sum(promotionId);
      const record = await promotions.update(promotionId, (current) =>
        current.attempt === attempt ? promotionEnded(current, endOf(current, end, sum), now()) : current,
      );
      if (record === undefined || record.attempt !== attempt) return { kind: "cancelled" };
      log("promotion-ended", { promotionId, state: record.state, code: record.error?.code, attempt });
      try {
        await afterPromotionEnd(record);
      } catch (thrown) {
        log("after-promotion-end-failed", { promotionId, error: String(thrown) }); // the sweep finds the mark
        return { kind: "done" };
      }
      await promotions.deleteOpen(promotionId, attempt);
      return { kind: "done" };
    },
  };
}

/** A selection that could not be listed is what it fails with, then being cancelled, then items that failed. */
function endOf(record: PromotionRecord, end: PromotionEndInput, sum: ItemSum): PromotionEnd {
  if (record.cancelRequestedAt !== undefined) return { state: "Cancelled" };
  if (end.kind === "failed") return { state: "Failed", error: end.error };
  const { failed, cancelled, total } = countsOf(sum);
  const unsuccessful = failed + cancelled; // an import of it may be cancelled on its own
  return unsuccessful === 0 ? { state: "Succeeded" } : { state: "Failed", error: itemsFailed(unsuccessful, total) };
}
