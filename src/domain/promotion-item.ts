import { z } from "zod";
import { type ImportErrorWire, keptErrorSchema } from "../errors.ts";
import { importIdSchema } from "./import-id.ts";
import { hasEnded, type ImportRecord, importStateSchema } from "./import-record.ts";
import { importSpecSchema } from "./import-spec.ts";
import { type ItemState, itemStateSchema, promotionIdSchema } from "./promotion-record.ts";
import { fitError } from "./record-text.ts";
import { repositorySchema, tagSchema } from "./reference.ts";

/** What an item's import is made of: all of it, or the part in which the images of a selection differ. */
export const itemContentSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("spec"), spec: importSpecSchema }),
  z.strictObject({
    kind: z.literal("image"),
    source: importSpecSchema.shape.source,
    target: z.strictObject({ repository: repositorySchema, tag: tagSchema.optional() }),
  }),
]);
export type ItemContent = Readonly<z.infer<typeof itemContentSchema>>;

const bytesSchema = z.strictObject({ copied: z.int(), mounted: z.int(), skipped: z.int() });

/** How an item ended. Without `importState`: its import was never begun. */
const itemResultSchema = z.object({
  importState: importStateSchema.optional(),
  bytes: bytesSchema,
  finishedAt: z.iso.datetime(),
  error: keptErrorSchema.optional(),
});

/** One import of a promotion, as table `PromotionItems` holds it. */
export const promotionItemSchema = z.object({
  v: z.literal(1),
  promotion: promotionIdSchema,
  key: z.string().min(1).max(64),
  /** The promotion's attempt that it was last to be begun in. */
  attempt: z.int().min(1),
  state: itemStateSchema,
  importId: importIdSchema,
  /** As the API shows them. */
  source: z.string(),
  target: z.string(),
  content: itemContentSchema,
  /** When it was last put into the queue. */
  queuedAt: z.iso.datetime().optional(),
  /** Attempt of the import whose end was last written here; 0: none. What ends later has a higher one. */
  importAttempt: z.int().min(0),
  result: itemResultSchema.optional(),
});
export type PromotionItem = Readonly<z.infer<typeof promotionItemSchema>>;

function isUnfinished(state: ItemState): boolean {
  return state === "Pending" || state === "Queued";
}

/*
 * Every change of an item. Each is pure, and returns the very item it was given when there is nothing to change.
 */

/**
 * Its import has ended. The end of an attempt that stands here already, or of one before, changes nothing, nor does one
 * that a retry of the promotion is to mend: it came after the item was reset.
 */
export function itemEnded(item: PromotionItem, record: ImportRecord): PromotionItem {
  const { id, state, attempt, progress, error, finishedAt, createdAt } = record;
  if (id !== item.importId || attempt <= item.importAttempt || !hasEnded(state) || isToBeMended(item, record))
    return item;
  const { copied = 0, mounted = 0, skipped = 0 } = progress?.bytes ?? {};
  return {
    ...item,
    state: itemStateSchema.parse(state),
    importAttempt: attempt,
    result: {
      importState: state,
      bytes: { copied, mounted, skipped },
      finishedAt: finishedAt ?? createdAt,
      ...(error && state === "Failed" && { error: fitError(error) }),
    },
  };
}

/** Its import was begun in a former attempt of the promotion and has brought nothing: it is to be begun again. */
export function isToBeMended({ attempt }: PromotionItem, { state, promotion }: ImportRecord): boolean {
  return (state === "Failed" || state === "Cancelled") && promotion !== undefined && promotion.attempt < attempt;
}

/** It was queued and cannot be begun, for good. */
export function itemRefused(item: PromotionItem, error: ImportErrorWire, now: Date): PromotionItem {
  if (item.state !== "Queued") return item;
  return {
    ...item,
    state: "Failed",
    result: { bytes: noBytes, finishedAt: now.toISOString(), error: fitError(error) },
  };
}

/** It is not to be begun any more. */
export function itemCancelled(item: PromotionItem, now: Date): PromotionItem {
  if (!isUnfinished(item.state)) return item;
  return { ...item, state: "Cancelled", result: { bytes: noBytes, finishedAt: now.toISOString() } };
}

/** It is to be begun again in a later attempt of its promotion. */
export function itemReset(item: PromotionItem, attempt: number): PromotionItem {
  const isAgain = item.attempt < attempt && item.state !== "Succeeded" && item.state !== "Skipped";
  if (!isAgain) return item;
  const { result: _, queuedAt: __, ...rest } = item;
  return { ...rest, state: "Pending", attempt };
}

/** The record of its import is gone: the next one counts its attempts from 1. */
export function itemForgotten(item: PromotionItem): PromotionItem {
  return item.importAttempt === 0 ? item : { ...item, importAttempt: 0 };
}

const noBytes = { copied: 0, mounted: 0, skipped: 0 };
