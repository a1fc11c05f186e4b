import type { PromotionPlan, PromotionView } from "../../domain/promotion-record.ts";
import { formatCurl } from "../commands.ts";
import { Copyable } from "../parts/copyable.tsx";
import { DraftNotice } from "../parts/draft-notice.tsx";
import { PlanFirst } from "../parts/plan-first.tsx";
import { emptyPromotion, promotionFaultOf, writePromotion } from "../promotion-form.ts";
import { formatHash } from "../routing.ts";
import { useServices } from "../services.ts";
import { useDraft } from "../use-draft.ts";
import { PromotionFields } from "./promotion-fields.tsx";
import { PromotionPlanSummary } from "./promotion-plan-summary.tsx";

const path = "/api/promotions";

/** A form that first shows which images a promotion would import, and then starts it. */
export function StartPromotionView() {
  const { api } = useServices();
  const draft = useDraft("promotion", "", () => emptyPromotion);
  const { value: form } = draft;
  const request = writePromotion(form);
  return (
    <>
      <h1>Start a promotion</h1>
      <DraftNotice {...draft} />
      <PlanFirst<PromotionPlan, PromotionView>
        {...{ path, request, planLabel: "Show the images", startLabel: "Start this promotion" }}
        faultOf={(problem) => promotionFaultOf(form, problem)}
        fields={(fault) => <PromotionFields form={form} onChange={draft.change} {...fault} />}
        renderPlan={(plan) => (
          <>
            <PromotionPlanSummary plan={plan} />
            <Copyable label="curl" text={formatCurl(`${window.location.origin}${path}`, request, api.signIn())} />
          </>
        )}
        mayStart={({ items, isComplete }) => items.length > 0 || !isComplete}
        onStarted={draft.forget}
        addressOf={({ id }) => formatHash("promotion", id)}
      />
    </>
  );
}
