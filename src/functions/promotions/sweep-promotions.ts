import { hasPromotionEnded, type PromotionRecord } from "../../domain/promotion-record.ts";
import { promotionRestarted } from "../../domain/promotion-transitions.ts";
import type { PromotionItems } from "../../store/promotion-items.ts";
import type { OpenPromotion, Promotions } from "../../store/promotions.ts";
import type { DurablePort } from "../durable-port.ts";
import type { Log } from "../log.ts";
import type { AfterPromotionEnd } from "./finish-promotion.ts";
import { type PromotionStarter, promotionInstanceId } from "./start-promotion.ts";
import { countsOf } from "./view-promotion.ts";

export interface SweepPromotionsDeps {
  readonly promotions: Pick<Promotions, "listOpen" | "read" | "update" | "forgetOpen" | "deleteOpen">;
  readonly items: Pick<PromotionItems, "deleteAll" | "sum">;
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
  deps: SweepPromotionsDeps,
  durable: DurablePort,
  open: OpenPromotion,
  ageMs: number,
): Promise<void> {
  const { promotions, items, startInstance, log, now } = deps;
  const { id, attempt } = open;
  const stored = await promotions.read(id);
  if (stored === undefined) {
    // Its request ended before there was a record, and the caller was told; a repeat of it may begin at this moment.
    if (ageMs < forgetMs || (await promotions.forgetOpen(open)) === "conflict") return;
    await items.deleteAll(id);
    return await promotions.deleteOpen(id, attempt);
  }
  const { record } = stored;
  if (hasPromotionEnded(record.state)) return await clearUp(deps, open, record);
  const state = await durable.state(promotionInstanceId(record));
  if (state === "running") return;
  const counts = state === "missing" ? undefined : countsOf(await items.sum(id));
  const restart = (current: PromotionRecord) =>
    counts === undefined || current.attempt !== record.attempt ? current : promotionRestarted(current, counts, now());
  if (hasPromotionEnded(restart(record).state)) {
    let isOwn = false; // as the last call says, which is the one that was written
    const ended = await promotions.update(id, (current) => {
      const after = restart(current);
      isOwn = after !== current;
      return after;
    });
    if (ended === undefined || !hasPromotionEnded(ended.state)) return;
    if (isOwn) log("sweep-ended", { promotionId: id, state: ended.state, attempt: ended.attempt });
    return await clearUp(deps, open, ended);
  }
  log("sweep-started", { promotionId: id, attempt: record.attempt });
  await startInstance(record, durable); // it goes on where the rows are
  await promotions.update(id, restart); // afterwards: a start that could not be made says nothing about the promotion
}

async function clearUp(
  { promotions, afterPromotionEnd }: SweepPromotionsDeps,
  { id, attempt }: OpenPromotion,
  record: PromotionRecord,
): Promise<void> {
  await afterPromotionEnd(record);
  await promotions.deleteOpen(id, attempt); // the mark's: a retry may have made it and come no further
}
