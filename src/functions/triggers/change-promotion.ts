import { hasPromotionEnded, type PromotionRecord } from "../../domain/promotion-record.ts";
import { promotionCancelRequested, promotionRetried } from "../../domain/promotion-transitions.ts";
import { ImportError } from "../../errors.ts";
import type { PromotionItems } from "../../store/promotion-items.ts";
import type { Promotions } from "../../store/promotions.ts";
import { mapConcurrently } from "../../transfer/map-concurrently.ts";
import type { CancelRunning } from "../cancel-running.ts";
import type { DurablePort } from "../durable-port.ts";
import { cancelEvent } from "../orchestrators/run.ts";
import { type PromotionStarter, promotionInstanceId } from "../promotions/start-promotion.ts";
import type { ViewPromotion } from "../promotions/view-promotion.ts";
import { promotionNotFound, readPromotion, readPromotionId } from "./get-promotions.ts";
import { type DurableHttpHandler, json } from "./http-answer.ts";

export interface ChangePromotionDeps {
  readonly promotions: Pick<Promotions, "read" | "update" | "replace" | "insertOpen">;
  readonly items: Pick<PromotionItems, "marks">;
  readonly startInstance: PromotionStarter["startInstance"];
  readonly cancel: CancelRunning;
  readonly view: ViewPromotion;
  readonly now: () => Date;
}

const stoppedAtOnce = 8;
const maxStopped = 500;

/** `POST /api/promotions/{id}/cancel`: nothing further begins, what runs stops within seconds; a second one changes nothing. */
export function createCancelPromotion(deps: ChangePromotionDeps): DurableHttpHandler {
  const { promotions, view, now } = deps;
  return async (request, durable) => {
    const id = readPromotionId(request);
    const record = await promotions.update(id, (current) => promotionCancelRequested(current, now()));
    if (record === undefined) throw promotionNotFound(id);
    if (!hasPromotionEnded(record.state)) await stopRunning(deps, record, durable);
    return json(hasPromotionEnded(record.state) ? 200 : 202, await view(record, request));
  };
}

/** The window does the same within seconds; only here can imports be woken that wait for a registry. */
async function stopRunning(
  { items, cancel, startInstance }: ChangePromotionDeps,
  record: PromotionRecord,
  durable: DurablePort,
): Promise<void> {
  if (!(await durable.raise(promotionInstanceId(record), cancelEvent))) await startInstance(record, durable);
  const running = await items.marks(record.id, { states: ["Queued"] }, maxStopped);
  await mapConcurrently(running.items, stoppedAtOnce, async ({ importId }) => {
    try {
      await cancel(importId, durable);
    } catch (thrown) {
      if (!(thrown instanceof ImportError) || thrown.code !== "IMPORT_STATE_CONFLICT") throw thrown; // it ends by itself
    }
  });
}

/** `POST /api/promotions/{id}/retry`: again those items that failed or were cancelled, and no other. */
export function createRetryPromotion(deps: ChangePromotionDeps): DurableHttpHandler {
  const { promotions, startInstance, view, now } = deps;
  return async (request, durable) => {
    const stored = await readPromotion(promotions, request);
    const record = promotionRetried(stored.record);
    const { id, attempt } = record;
    await promotions.insertOpen({ id, attempt, createdAt: now().toISOString() });
    if ((await promotions.replace({ record, etag: stored.etag })) === "conflict") throw beaten(id);
    await startInstance(record, durable);
    return json(202, await view(record, request), { location: `/api/promotions/${id}`, "retry-after": "2" });
  };
}

function beaten(id: string): ImportError {
  return new ImportError({
    code: "PROMOTION_STATE_CONFLICT",
    what: `promotion ${id} changed while it was to be retried`,
    hint: "look at its state, then try again",
  });
}
