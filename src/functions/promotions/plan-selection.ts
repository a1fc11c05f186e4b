import type { RequestSettings } from "../../domain/import-request.ts";
import type { PromotionPlan } from "../../domain/promotion-record.ts";
import { selectedSpec, textsOf } from "../../domain/promotion-request.ts";
import type { Selection } from "../../domain/promotion-request-schema.ts";
import type { ExpandPage, SelectionCursor } from "./selection-page.ts";

export interface PlanSelectionDeps {
  readonly expandPage: ExpandPage;
  readonly settings: RequestSettings;
}

/** What a selection means now, as far as it can be listed within the time of a request. */
export type PlanSelection = (selection: Selection) => Promise<PromotionPlan>;

const maxPlanned = 5_000;
const planMs = 180_000; // the platform cuts HTTP answers off at 230 s

export function createPlanSelection({ expandPage, settings }: PlanSelectionDeps): PlanSelection {
  return async (selection) => {
    const signal = AbortSignal.timeout(planMs);
    const items: { source: string; target: string }[] = [];
    const warnings: string[] = [];
    let cursor: SelectionCursor | undefined;
    do {
      const page = await expandPage(selection, cursor, signal).catch((thrown: unknown) => {
        if (signal.aborted && items.length > 0) return undefined;
        throw thrown;
      });
      if (page === undefined) return { items, isComplete: false, warnings };
      items.push(...page.items.map((image) => textsOf(selectedSpec(selection, image, settings))));
      warnings.push(...page.warnings);
      cursor = page.next;
    } while (cursor !== undefined && items.length < maxPlanned);
    return {
      items: items.slice(0, maxPlanned),
      isComplete: cursor === undefined && items.length <= maxPlanned,
      warnings,
    };
  };
}
