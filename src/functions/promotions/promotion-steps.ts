import { z } from "zod";
import { promotionIdSchema } from "../../domain/promotion-record.ts";
import { keptErrorSchema } from "../../errors.ts";
import { type Step, stepOutcomeSchema } from "../steps.ts";
import { selectionCursorSchema } from "./selection-page.ts";

const stepFields = { v: z.literal(1), promotionId: promotionIdSchema, attempt: z.int().min(1) };
const keySchema = z.string().max(64);

/** `after`: key of the last item that was looked at; empty: none. */
export const resetInputSchema = z.object({ ...stepFields, after: keySchema });
export type ResetInput = Readonly<z.infer<typeof resetInputSchema>>;

/** `found`: how many images the pages before had. */
export const expandInputSchema = z.object({
  ...stepFields,
  cursor: selectionCursorSchema.optional(),
  found: z.int().min(0),
});
export type ExpandInput = Readonly<z.infer<typeof expandInputSchema>>;

/** Items that may be kept apart of a window: each is a key in its input. */
export const maxApart = 100;

/**
 * The window over the items in the order of their keys: everything before `oldest` has ended but those `apart`, everything
 * up to and with `newest` has been queued, nothing behind it has.
 */
export const windowSchema = z.object({
  oldest: keySchema,
  newest: keySchema,
  apart: z.array(keySchema).max(maxApart).optional(),
});
export type Window = Readonly<z.infer<typeof windowSchema>>;

export const advanceInputSchema = z.object({ ...stepFields, window: windowSchema });
export type AdvanceInput = Readonly<z.infer<typeof advanceInputSchema>>;

export const promotionEndSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("done") }),
  z.object({ kind: z.literal("failed"), error: keptErrorSchema }),
]);
export type PromotionEndInput = Readonly<z.infer<typeof promotionEndSchema>>;

export const finishPromotionInputSchema = z.object({ ...stepFields, end: promotionEndSchema });
export type FinishPromotionInput = Readonly<z.infer<typeof finishPromotionInputSchema>>;

const [, failed, wait, more, cancelled] = stepOutcomeSchema.options;
const done = z.strictObject({ kind: z.literal("done") });

/** `next`: there are more items to be reset behind this key. */
const resetOutcomeSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("next"), after: keySchema }),
  ...[done, failed, wait, more, cancelled],
]);
export type ResetOutcome = Readonly<z.infer<typeof resetOutcomeSchema>>;

/** `next`: there is a page behind this one. */
const expandOutcomeSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("next"), cursor: selectionCursorSchema, found: z.int().min(0) }),
  ...[done, failed, wait, more, cancelled],
]);
export type ExpandOutcome = Readonly<z.infer<typeof expandOutcomeSchema>>;

/** `running`: look again after `lookAgainSeconds`, or the tick of the promotion. */
export const advanceOutcomeSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("running"),
    window: windowSchema,
    lookAgainSeconds: z.number().positive().optional(),
  }),
  ...[done, failed, wait, more, cancelled],
]);
export type AdvanceOutcome = Readonly<z.infer<typeof advanceOutcomeSchema>>;

const step = <Input, Output>(name: string): Step<Input, Output> => ({ name });

/** The activities of a promotion; see {@link Step}. */
export const promotionSteps = {
  resetPromotion: step<ResetInput, ResetOutcome>("resetPromotion"),
  expandPromotion: step<ExpandInput, ExpandOutcome>("expandPromotion"),
  advancePromotion: step<AdvanceInput, AdvanceOutcome>("advancePromotion"),
  finishPromotion: step<FinishPromotionInput, AdvanceOutcome>("finishPromotion"),
} as const;
export type PromotionStepName = keyof typeof promotionSteps;
