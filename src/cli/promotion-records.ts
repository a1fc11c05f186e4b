import { z } from "zod";
import { promotionStateSchema } from "../domain/promotion-record.ts";
import { type ErrorView, errorViewSchema, pageTokenSchema } from "./api-records.ts";

/*
 * Promotions as this client reads them: only what it shows is checked, and what a newer service adds is kept, so that
 * `--json` prints everything that was answered.
 */

const count = z.number().default(0);

/** A promotion as `GET /api/promotions/{id}` answers it. */
export const promotionViewSchema = z.looseObject({
  id: z.string(),
  state: promotionStateSchema,
  trigger: z.looseObject({ kind: z.string(), ref: z.string().optional() }).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  request: z.unknown().optional(),
  counts: z.looseObject({
    pending: count,
    queued: count,
    succeeded: count,
    skipped: count,
    failed: count,
    cancelled: count,
    total: count,
  }),
  bytes: z.looseObject({ copied: count, mounted: count, skipped: count }).optional(),
  itemsPerSecond: z.number().nullish(),
  etaSeconds: z.number().nullish(),
  firstErrors: z.array(z.looseObject({ item: z.string(), error: errorViewSchema })).default([]),
  attempt: z.number().optional(),
  createdAt: z.string(),
  startedAt: z.string().optional(),
  finishedAt: z.string().optional(),
  error: errorViewSchema.optional(),
  warnings: z.array(z.string()).default([]),
});
export type PromotionView = Readonly<z.infer<typeof promotionViewSchema>>;

/** What went wrong with the promotion itself, such as its selection; that images failed is told by them. */
export function ownErrorOf({ error }: Pick<PromotionView, "error">): ErrorView | undefined {
  return error?.code === "PROMOTION_ITEMS_FAILED" ? undefined : error;
}

/** A promotion in a list: the service sums up no items there. */
export const promotionSummarySchema = promotionViewSchema.partial({ counts: true });
export type PromotionSummary = Readonly<z.infer<typeof promotionSummarySchema>>;

/** One page of `GET /api/promotions`. */
export const promotionPageSchema = z.looseObject({
  promotions: z.array(promotionSummarySchema),
  continuationToken: pageTokenSchema,
});

/** An image of a promotion. Its state is told as it comes. */
export const promotionItemSchema = z.looseObject({
  source: z.string(),
  target: z.string(),
  state: z.string(),
  importId: z.string().optional(),
  bytesCopied: z.number().optional(),
  finishedAt: z.string().optional(),
  error: errorViewSchema.optional(),
});
export type PromotionItem = Readonly<z.infer<typeof promotionItemSchema>>;

/** One page of `GET /api/promotions/{id}/items`. */
export const promotionItemPageSchema = z.looseObject({
  items: z.array(promotionItemSchema),
  continuationToken: pageTokenSchema,
});

/** What `POST /api/schedules/{name}/run` answers: the promotion, of which the id is enough to follow it. */
export const scheduleRunSchema = z.looseObject({ id: z.string() });

/** What a promotion with `dryRun: true` answers. */
export const promotionPlanSchema = z.looseObject({
  items: z.array(z.looseObject({ source: z.string(), target: z.string() })),
  isComplete: z.boolean().default(true),
  warnings: z.array(z.string()).default([]),
});
export type PromotionPlan = Readonly<z.infer<typeof promotionPlanSchema>>;
