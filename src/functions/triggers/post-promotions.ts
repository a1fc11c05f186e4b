import type { HttpResponseInit } from "@azure/functions";
import type { PromotionPlan } from "../../domain/promotion-record.ts";
import { isSelection, type ParsedPromotion, textsOf } from "../../domain/promotion-request.ts";
import type { ClaimId } from "../claim-id.ts";
import type { PlanSelection } from "../promotions/plan-selection.ts";
import type { PromotionStarter } from "../promotions/start-promotion.ts";
import type { ViewPromotion } from "../promotions/view-promotion.ts";
import { type DurableHttpHandler, json } from "./http-answer.ts";
import { readPromotionBody } from "./read-body.ts";

export interface PostPromotionsDeps {
  readonly starter: Pick<PromotionStarter, "parse" | "startParsed">;
  readonly planSelection: PlanSelection;
  readonly claimId: ClaimId;
  readonly view: ViewPromotion;
  readonly now: () => Date;
}

/** `POST /api/promotions`: 202 with the promotion, or 200 with what it would import (`dryRun`). */
export function createPostPromotions(deps: PostPromotionsDeps): DurableHttpHandler {
  const { starter, claimId, view, now } = deps;
  return async (request, durable) => {
    const parsed = starter.parse(await readPromotionBody(request), {});
    if (parsed.dryRun) return json(200, await plan(deps, parsed));
    const causedAt = now();
    const body = { request: parsed.request, specs: parsed.specs };
    const id = await claimId(request, { kind: "promotion", body, causedAt });
    const cause = { id, trigger: { kind: "http" }, causedAt } as const;
    const { record } = await starter.startParsed(parsed, cause, durable);
    return accepted(await view(record, request));
  };
}

function accepted(view: Awaited<ReturnType<ViewPromotion>>): HttpResponseInit {
  return json(202, view, { location: `/api/promotions/${view.id}`, "retry-after": "2", "cache-control": "no-cache" });
}

async function plan(
  { planSelection }: PostPromotionsDeps,
  { request, specs = [] }: ParsedPromotion,
): Promise<PromotionPlan> {
  if (isSelection(request)) return await planSelection(request);
  return { items: specs.map(textsOf), isComplete: true, warnings: [] };
}
