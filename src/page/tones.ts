import type { ImportState } from "../domain/import-record.ts";
import type { ItemState, PromotionState } from "../domain/promotion-record.ts";

/** How a state looks. */
export type Tone = "running" | "good" | "bad" | "neutral";

export interface StateLook {
  readonly tone: Tone;
  readonly hasEnded: boolean;
}

/** How each state of an import looks; a new one does not compile until it has a line here. */
export const stateLooks: Readonly<Record<ImportState, StateLook>> = {
  Accepted: { tone: "running", hasEnded: false },
  Resolving: { tone: "running", hasEnded: false },
  Copying: { tone: "running", hasEnded: false },
  Publishing: { tone: "running", hasEnded: false },
  Verifying: { tone: "running", hasEnded: false },
  Succeeded: { tone: "good", hasEnded: true },
  Skipped: { tone: "neutral", hasEnded: true },
  Failed: { tone: "bad", hasEnded: true },
  Cancelled: { tone: "neutral", hasEnded: true },
};

/** How an import's state looks; one that this page does not know, because the service is newer, in neutral. */
export function importLookOf(state: ImportState): StateLook {
  return Object.hasOwn(stateLooks, state) ? stateLooks[state] : unknownLook;
}

/** The same of a promotion. */
export function promotionLookOf(state: PromotionState): StateLook {
  return Object.hasOwn(promotionLooks, state) ? promotionLooks[state] : unknownLook;
}

const unknownLook: StateLook = { tone: "neutral", hasEnded: false };

const promotionLooks: Readonly<Record<PromotionState, StateLook>> = {
  Accepted: { tone: "running", hasEnded: false },
  Expanding: { tone: "running", hasEnded: false },
  Running: { tone: "running", hasEnded: false },
  Succeeded: { tone: "good", hasEnded: true },
  Failed: { tone: "bad", hasEnded: true },
  Cancelled: { tone: "neutral", hasEnded: true },
};

/** The same of a promotion's items. */
export const itemTones: Readonly<Record<ItemState, Tone>> = {
  Pending: "neutral",
  Queued: "running",
  Succeeded: "good",
  Skipped: "neutral",
  Failed: "bad",
  Cancelled: "neutral",
};
