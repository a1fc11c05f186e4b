import { hasPromotionEnded } from "../../domain/promotion-record.ts";
import type { PromotionItems } from "../../store/promotion-items.ts";
import type { OpenPromotion, Promotions } from "../../store/promotions.ts";
import type { DurablePort } from "../durable-port.ts";
import type { Log } from "../log.ts";
import type { AfterPromotionEnd } from "./finish-promotion.ts";
import { type PromotionStarter, promotionInstanceId } from "./start-promotion.ts";

export interface SweepPromotionsDeps {
  readonly promotions: Pick<Promotions, "listOpen" | "read" | "deleteOpen">;
  readonly items: Pick<PromotionItems, "deleteAll">;
  readonly startInstance: PromotionStarter["startInstance"];
  readonly afterPromotionEnd: AfterPromotionEnd;
  readonly log: Log;
  readonly now: () => Date;
}

const startAgainMs = 60_000; // what still starts has started its orchestration by then
const forgetMs = 10 * 60_000;

/** Each minute: what a crash between two steps of a promotion has left behind. Reads marks only, and records of old ones. */
export function createSweepPromotions(deps: SweepPromotionsDeps): (durable: DurablePort) => Promise<void> {
  return async (durable) => {
    for (const open of await deps.promotions.listOpen()) {
      const ageMs = deps.now().getTime() - Date.parse(open.createdAt);
      if (ageMs < startAgainMs) continue;
      try {
        await sweep(deps, durable, open, ageMs);
      } catch (thrown) {
        deps.log("sweep-failed", { promotionId: open.id, error: String(thrown) }); // the next sweep tries again
      }
    }
  };
}

async function sweep(
  { promotions, items, startInstance, afterPromotionEnd, log }: SweepPromotionsDeps,
  durable: DurablePort,
  { id, attempt }: OpenPromotion,
  ageMs: number,
): Promise<void> {
  const stored = await promotions.read(id);
  if (stored === undefined) {
    if (ageMs < forgetMs) return;
    await items.deleteAll(id); // its request ended before there was a record: the caller was told
    return await promotions.deleteOpen(id, attempt);
  }
  const { record } = stored;
  if (hasPromotionEnded(record.state)) {
    await afterPromotionEnd(record);
    return await promotions.deleteOpen(id, attempt); // the mark's: a retry may have made it and come no further
  }
  if ((await durable.state(promotionInstanceId(record))) === "running") return;
  log("sweep-started", { promotionId: id, attempt: record.attempt });
  await startInstance(record, durable); // it goes on where the rows are
}
