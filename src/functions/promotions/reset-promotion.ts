import { itemReset } from "../../domain/promotion-item.ts";
import type { PromotionItems } from "../../store/promotion-items.ts";
import { mapConcurrently } from "../../transfer/map-concurrently.ts";
import type { PromotionActivity } from "./promotion-activity.ts";
import { type ResetInput, type ResetOutcome, resetInputSchema } from "./promotion-steps.ts";

export interface ResetPromotionDeps {
  readonly items: Pick<PromotionItems, "marks" | "update">;
}

const itemsAtOnce = 200;
const writesAtOnce = 8;

/** First of a retry: items that failed, were cancelled or never began are Pending again, in the new attempt. */
export function createResetPromotion({ items }: ResetPromotionDeps): PromotionActivity<ResetInput, ResetOutcome> {
  return {
    name: "resetPromotion",
    input: resetInputSchema,
    work: async ({ promotionId, attempt, after }, { record }) => {
      if (record.cancelRequestedAt !== undefined) return { kind: "cancelled" };
      const range = { after, states: ["Failed", "Cancelled", "Pending", "Queued"] } as const;
      const page = await items.marks(promotionId, range, itemsAtOnce);
      await mapConcurrently(page.items, writesAtOnce, ({ key }) =>
        items.update(promotionId, key, (item) => itemReset(item, attempt)),
      );
      const last = page.items.at(-1);
      return page.isLast || last === undefined ? { kind: "done" } : { kind: "next", after: last.key };
    },
  };
}
