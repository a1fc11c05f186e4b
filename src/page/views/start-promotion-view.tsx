import { useState } from "preact/hooks";
import type { PromotionPlan, PromotionView } from "../../domain/promotion-record.ts";
import { formatCurl } from "../commands.ts";
import { Copyable } from "../parts/copyable.tsx";
import { PlanFirst } from "../parts/plan-first.tsx";
import { emptyPromotion, promotionFaultOf, writePromotion } from "../promotion-form.ts";
import { formatHash, navigate } from "../routing.ts";
import { PromotionFields } from "./promotion-fields.tsx";
import { PromotionPlanSummary } from "./promotion-plan-summary.tsx";

const path = "/api/promotions";

/** A form that first shows which images a promotion would import, and then starts it. */
export function StartPromotionView() {
  const [form, setForm] = useState(emptyPromotion);
  const request = writePromotion(form);
  return (
    <>
      <h1>Start a promotion</h1>
      <PlanFirst<PromotionPlan, PromotionView>
        {...{ path, request, planLabel: "Show the images", startLabel: "Start this promotion" }}
        faultOf={(problem) => promotionFaultOf(form, problem)}
        fields={(fault) => <PromotionFields form={form} onChange={setForm} {...fault} />}
        renderPlan={(plan) => (
          <>
            <PromotionPlanSummary plan={plan} />
            <Copyable label="curl" text={formatCurl(`${window.location.origin}${path}`, request)} />
          </>
        )}
        mayStart={({ items, isComplete }) => items.length > 0 || !isComplete}
        onStarted={({ id }) => navigate(formatHash("promotion", id))}
      />
    </>
  );
}
