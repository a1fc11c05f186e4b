import type { HttpRequest } from "@azure/functions";
import { z } from "zod";
import { type ImportId, importIdSchema } from "../../domain/import-id.ts";
import { hasPromotionEnded, itemStateSchema, promotionStateSchema } from "../../domain/promotion-record.ts";
import { ImportError } from "../../errors.ts";
import type { PromotionItems } from "../../store/promotion-items.ts";
import type { Promotions, StoredPromotion } from "../../store/promotions.ts";
import { baseUrlOf } from "../base-url.ts";
import { summaryOf, type ViewPromotion, viewItem } from "../promotions/view-promotion.ts";
import { answerTagged } from "../tagged-answer.ts";
import type { HttpHandler } from "./http-answer.ts";
import { readQuery } from "./read-query.ts";

export interface GetPromotionsDeps {
  readonly promotions: Pick<Promotions, "read" | "list">;
  readonly items: Pick<PromotionItems, "list">;
  readonly view: ViewPromotion;
}

export const promotionsQuerySchema = z.strictObject({
  state: promotionStateSchema.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  continuationToken: z.string().max(4_000).optional().describe("From the page before."),
});

export const itemsQuerySchema = z.strictObject({
  state: itemStateSchema.optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe("Items per page."),
  continuationToken: z.string().max(4_000).optional().describe("From the page before."),
});

/** `GET /api/promotions`, newest first. */
export function createListPromotions({ promotions }: GetPromotionsDeps): HttpHandler {
  return async (request) => {
    const { state, limit, continuationToken } = readQuery(request, promotionsQuerySchema);
    const page = await promotions.list({
      limit,
      ...(state && { state }),
      ...(continuationToken !== undefined && { continuationToken }),
    });
    const views = page.records.map((record) => summaryOf(record, baseUrlOf(request)));
    return answerTagged({ promotions: views, continuationToken: page.continuationToken }, request);
  };
}

/** `GET /api/promotions/{id}` */
export function createGetPromotion({ promotions, view }: GetPromotionsDeps): HttpHandler {
  return async (request) => {
    const { record } = await readPromotion(promotions, request);
    const wait: Readonly<Record<string, string>> = hasPromotionEnded(record.state) ? {} : { "retry-after": "2" };
    return answerTagged(await view(record, request), request, wait);
  };
}

/** `GET /api/promotions/{id}/items` */
export function createListPromotionItems({ promotions, items }: GetPromotionsDeps): HttpHandler {
  return async (request) => {
    const { state, limit, continuationToken } = readQuery(request, itemsQuerySchema);
    const { record } = await readPromotion(promotions, request);
    const page = await items.list(record.id, {
      limit,
      ...(state && { state }),
      ...(continuationToken !== undefined && { continuationToken }),
    });
    const views = page.items.map((item) => viewItem(item, baseUrlOf(request)));
    return answerTagged({ items: views, continuationToken: page.continuationToken }, request);
  };
}

/** The promotion of the route. Throws PROMOTION_NOT_FOUND. */
export async function readPromotion(
  promotions: Pick<Promotions, "read">,
  request: HttpRequest,
): Promise<StoredPromotion> {
  const id = readPromotionId(request);
  const stored = await promotions.read(id);
  if (stored === undefined) throw promotionNotFound(id);
  return stored;
}

/** The id of the route. Throws PROMOTION_NOT_FOUND for what cannot be one. */
export function readPromotionId(request: HttpRequest): ImportId {
  const id = request.params.id ?? "";
  const parsed = importIdSchema.safeParse(id.toUpperCase());
  if (parsed.success) return parsed.data;
  throw promotionNotFound(id.slice(0, 40));
}

export function promotionNotFound(id: string): ImportError {
  return new ImportError({ code: "PROMOTION_NOT_FOUND", what: `there is no promotion ${id}` });
}
