import type { z } from "zod";
import type { ImportId } from "../../domain/import-id.ts";
import { hasPromotionEnded, type PromotionRecord } from "../../domain/promotion-record.ts";
import { promotionFaulted } from "../../domain/promotion-transitions.ts";
import { scrub } from "../../errors.ts";
import type { Promotions } from "../../store/promotions.ts";
import { toUnfinished } from "../activities/activity-frame.ts";
import type { Log } from "../log.ts";
import type { Unfinished } from "../steps.ts";

export interface PromotionActivityDeps {
  readonly promotions: Pick<Promotions, "read" | "update">;
  readonly stopping: AbortSignal;
  readonly budgetMs: number;
  readonly log: Log;
}

export interface PromotionStepInput {
  readonly promotionId: ImportId;
  readonly attempt: number;
}

export interface PromotionActivity<Input extends PromotionStepInput, Outcome extends { readonly kind: string }> {
  readonly name: string;
  readonly input: z.ZodType<Input>;
  readonly work: (
    input: Input,
    context: { readonly record: PromotionRecord; readonly signal: AbortSignal },
  ) => Promise<Outcome>;
}

const leaveSeconds = 2;

/**
 * What the activities of promotions share: read the input by schema, look at the record first, turn what was thrown into
 * an outcome. `cancelled`: the record is gone, has ended, or is of another attempt.
 */
export function createPromotionActivity<Input extends PromotionStepInput, Outcome extends { readonly kind: string }>(
  deps: PromotionActivityDeps,
  activity: PromotionActivity<Input, Outcome>,
): (raw: unknown) => Promise<Outcome | Unfinished> {
  return async (raw) => {
    const input = activity.input.parse(raw);
    const { promotionId, attempt } = input;
    const signal = AbortSignal.any([deps.stopping, AbortSignal.timeout(deps.budgetMs)]);
    try {
      const stored = await deps.promotions.read(promotionId);
      if (stored === undefined || stored.record.attempt !== attempt || hasPromotionEnded(stored.record.state))
        return { kind: "cancelled" };
      return await activity.work(input, { record: stored.record, signal });
    } catch (thrown) {
      if (deps.stopping.aborted) return { kind: "wait", retryAfterSeconds: leaveSeconds };
      if (signal.aborted) return { kind: "more" };
      logThrown(deps.log, activity.name, promotionId, thrown);
      const outcome = toUnfinished(thrown);
      if (outcome !== undefined) return outcome; // permanent or passing
      const fault = `${activity.name}: ${messageOf(thrown)}`;
      await noteFault(deps, promotionId, fault);
      throw new Error(fault); // a bug: the orchestration tries it again
    }
  };
}

/** So that the record can say why, should its steps fail for good. That it cannot be said changes nothing. */
async function noteFault({ promotions, log }: PromotionActivityDeps, promotionId: ImportId, fault: string) {
  try {
    await promotions.update(promotionId, (record) => promotionFaulted(record, fault));
  } catch (thrown) {
    log("fault-not-noted", { promotionId, error: scrub(String(thrown)) });
  }
}

const maxFaultChars = 600;

function messageOf(thrown: unknown): string {
  return scrub(thrown instanceof Error ? thrown.message : String(thrown)).slice(0, maxFaultChars);
}

function logThrown(log: Log, activity: string, promotionId: ImportId, thrown: unknown): void {
  const error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  log("promotion-activity-threw", { activity, promotionId, error: scrub(error) });
}
