import type { RequestSettings } from "../../domain/import-request.ts";
import type { PromotionPlan } from "../../domain/promotion-record.ts";
import { selectedSpec, textsOf } from "../../domain/promotion-request.ts";
import type { Selection } from "../../domain/promotion-request-schema.ts";
import { ImportError } from "../../errors.ts";
import { addImages, type ExpandPage, type SelectedImage, type SelectionCursor } from "./selection-page.ts";

export interface PlanSelectionDeps {
  readonly expandPage: ExpandPage;
  readonly settings: RequestSettings;
  /** Ends what a request may take. */
  readonly deadline: () => AbortSignal;
}

/** What a selection means now, as far as it can be listed within the time of a request. */
export type PlanSelection = (selection: Selection) => Promise<PromotionPlan>;

export const planMs = 180_000; // the platform cuts HTTP answers off at 230 s
const maxPlanned = 5_000;

/**
 * Lists what would become items, by the same rules: two images for one target are refused, one that is listed twice is
 * one. DEADLINE_EXCEEDED when the registry has told of none in time.
 */
export function createPlanSelection({ expandPage, settings, deadline }: PlanSelectionDeps): PlanSelection {
  return async (selection) => {
    const signal = deadline();
    const images = new Map<string, SelectedImage>();
    const warnings: string[] = [];
    let cursor: SelectionCursor | undefined;
    let isCut = false;
    do {
      const page = await expandPage(selection, cursor, signal).catch((thrown: unknown) => {
        if (!signal.aborted) throw thrown;
        if (images.size === 0) throw tooSlow();
        return undefined;
      });
      isCut = page === undefined;
      addImages(images, page?.items ?? []);
      warnings.push(...(page?.warnings ?? []));
      cursor = page?.next;
    } while (cursor !== undefined && images.size < maxPlanned);
    const shown = [...images.values()].slice(0, maxPlanned);
    return {
      items: shown.map((image) => textsOf(selectedSpec(selection, image, settings))),
      isComplete: !isCut && cursor === undefined && shown.length === images.size,
      warnings,
    };
  };
}

function tooSlow(): ImportError {
  return new ImportError({
    code: "DEADLINE_EXCEEDED",
    what: "the images could not be listed in time",
    hint: "start the promotion: it lists them in the background",
    retryable: true,
  });
}
