import { z } from "zod";
import { importErrorWireSchema, keptErrorSchema } from "../errors.ts";
import { importIdSchema } from "./import-id.ts";
import { importStateSchema, triggerSchema } from "./import-record.ts";
import { keptRequestSchema } from "./promotion-request-schema.ts";

/** Ids of promotions are made like those of imports, and sort newest first. */
export const promotionIdSchema = importIdSchema;

export const promotionStateSchema = z.enum(["Accepted", "Expanding", "Running", "Succeeded", "Failed", "Cancelled"]);
export type PromotionState = z.infer<typeof promotionStateSchema>;

const isoTimeSchema = z.iso.datetime();

/** A promotion as table `Promotions` holds it; its items stand in `PromotionItems`. */
export const promotionRecordSchema = z.strictObject({
  v: z.literal(1),
  id: promotionIdSchema,
  state: promotionStateSchema,
  trigger: triggerSchema,
  request: keptRequestSchema,
  /** All its items are rows: from the start, unless they are selected. */
  isExpanded: z.boolean(),
  /** Only images whose digest this schedule has not imported yet become items. */
  schedule: z.string().optional(),
  /** From 1; the orchestration instance is `promotion-{id}-{attempt}`. */
  attempt: z.int().min(1),
  createdAt: isoTimeSchema,
  startedAt: isoTimeSchema.optional(),
  finishedAt: isoTimeSchema.optional(),
  cancelRequestedAt: isoTimeSchema.optional(),
  /** What a step last threw that no error is foreseen for: a bug, or storage that will not have a row. */
  fault: z.string().optional(),
  /** How often its orchestration was started again since the counts of its items last changed, and those counts. */
  restarts: z.strictObject({ count: z.int().min(1), total: z.int(), ended: z.int() }).optional(),
  /** Why the expansion ended early, or that items have failed. */
  error: keptErrorSchema.optional(),
  warnings: z.array(z.string()),
});
export type PromotionRecord = Readonly<z.infer<typeof promotionRecordSchema>>;

export function hasPromotionEnded(state: PromotionState): boolean {
  return state === "Succeeded" || state === "Failed" || state === "Cancelled";
}

/** `Pending`: not yet in the queue. `Queued`: in the queue, or its import runs. Then as its import has ended. */
export const itemStateSchema = z.enum(["Pending", "Queued", "Succeeded", "Skipped", "Failed", "Cancelled"]);
export type ItemState = z.infer<typeof itemStateSchema>;

export const itemCountsSchema = z.strictObject({
  pending: z.int(),
  queued: z.int(),
  succeeded: z.int(),
  skipped: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  total: z.int(),
});
export type ItemCounts = Readonly<z.infer<typeof itemCountsSchema>>;

/** A promotion as the API answers it. */
export const promotionViewSchema = z
  .strictObject({
    id: promotionIdSchema,
    state: promotionStateSchema.describe(
      "Succeeded, Failed and Cancelled are final. Failed: an item or the selection.",
    ),
    trigger: triggerSchema,
    labels: z.record(z.string(), z.string()),
    request: z.unknown().describe("The request without its items."),
    counts: itemCountsSchema.describe("Items by state; at most 2 s old."),
    bytes: z
      .strictObject({ copied: z.int(), mounted: z.int(), skipped: z.int() })
      .describe("Of items that have ended."),
    itemsPerSecond: z.number().describe("Items that ended, per second since the start."),
    etaSeconds: z.number().optional(),
    firstErrors: z
      .array(z.strictObject({ item: z.string(), importId: importIdSchema, error: importErrorWireSchema }))
      .describe("Of at most 10 failed items."),
    attempt: z.int().min(1),
    createdAt: isoTimeSchema,
    startedAt: isoTimeSchema.optional(),
    finishedAt: isoTimeSchema.optional(),
    error: importErrorWireSchema.optional(),
    warnings: z.array(z.string()),
    links: z.strictObject({ self: z.url(), items: z.url(), cancel: z.url(), retry: z.url() }),
  })
  .meta({ id: "Promotion", description: "Many imports as one." });
export type PromotionView = Readonly<z.infer<typeof promotionViewSchema>>;

/** A promotion in a list: without what is summed over its items. */
export const promotionSummarySchema = promotionViewSchema
  .omit({ counts: true, bytes: true, itemsPerSecond: true, etaSeconds: true, firstErrors: true })
  .meta({ id: "PromotionSummary" });
export type PromotionSummary = Readonly<z.infer<typeof promotionSummarySchema>>;

export const promotionPageSchema = z
  .strictObject({ promotions: z.array(promotionSummarySchema), continuationToken: z.string().optional() })
  .meta({
    id: "PromotionPage",
    description: "Newest first. A filtered page may be short or empty although more follow.",
  });
export type PromotionPage = Readonly<z.infer<typeof promotionPageSchema>>;

export const promotionItemViewSchema = z
  .strictObject({
    item: z.string().describe("Its key within the promotion."),
    source: z.string().describe("registry/repository[:tag][@digest]"),
    target: z.string().describe("registry/repository[:tag] of the first target."),
    state: itemStateSchema,
    importId: importIdSchema,
    importUrl: z.url(),
    importState: importStateSchema.optional(),
    bytesCopied: z.int().optional(),
    finishedAt: isoTimeSchema.optional(),
    error: importErrorWireSchema.optional(),
  })
  .meta({ id: "PromotionItem" });
export type PromotionItemView = Readonly<z.infer<typeof promotionItemViewSchema>>;

export const promotionItemPageSchema = z
  .strictObject({ items: z.array(promotionItemViewSchema), continuationToken: z.string().optional() })
  .meta({ id: "PromotionItemPage", description: "A filtered page may be short or empty although more follow." });
export type PromotionItemPage = Readonly<z.infer<typeof promotionItemPageSchema>>;

/** The answer to a dry run. */
export const promotionPlanSchema = z
  .strictObject({
    items: z.array(z.strictObject({ source: z.string(), target: z.string() })),
    isComplete: z.boolean().describe("False: there are more than are shown, or listing took too long."),
    warnings: z.array(z.string()),
  })
  .meta({ id: "PromotionPlan" });
export type PromotionPlan = Readonly<z.infer<typeof promotionPlanSchema>>;
