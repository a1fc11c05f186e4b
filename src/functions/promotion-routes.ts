import {
  promotionItemPageSchema,
  promotionPageSchema,
  promotionPlanSchema,
  promotionViewSchema,
} from "../domain/promotion-record.ts";
import { promotionRequestSchema } from "../domain/promotion-request-schema.ts";
import { type ApiRoute, ifNoneMatch, notModified } from "./api-route.ts";
import { itemsQuerySchema, promotionsQuerySchema } from "./triggers/get-promotions.ts";

const promotionAnswer = (description: string) => ({ description, schema: promotionViewSchema });

/** Routes of promotions by the name of their function. */
export const promotionRoutes = {
  postPromotions: {
    method: "POST",
    route: "api/promotions",
    authLevel: "function",
    summary: "Import many images as one, or list them (dryRun)",
    headers: { "Idempotency-Key": "Makes the request repeatable for 24 h." },
    body: { schema: promotionRequestSchema, isRequired: true },
    answers: {
      200: { description: "What a dry run found", schema: promotionPlanSchema },
      202: promotionAnswer("Accepted; Location and Retry-After say where and when to look"),
    },
    problems: [400, 403, 422, 503, 504],
  },
  listPromotions: {
    method: "GET",
    route: "api/promotions",
    authLevel: "function",
    summary: "List promotions, newest first",
    query: promotionsQuerySchema,
    headers: ifNoneMatch,
    answers: { 200: { description: "A page", schema: promotionPageSchema }, 304: notModified },
    problems: [400, 503],
  },
  getPromotion: {
    method: "GET",
    route: "api/promotions/{id}",
    authLevel: "function",
    summary: "Look at a promotion",
    headers: ifNoneMatch,
    answers: { 200: promotionAnswer("The promotion, its items counted at most 2 s ago"), 304: notModified },
    problems: [404, 503],
  },
  listPromotionItems: {
    method: "GET",
    route: "api/promotions/{id}/items",
    authLevel: "function",
    summary: "List the items of a promotion",
    query: itemsQuerySchema,
    headers: ifNoneMatch,
    answers: { 200: { description: "A page", schema: promotionItemPageSchema }, 304: notModified },
    problems: [400, 404, 503],
  },
  cancelPromotion: {
    method: "POST",
    route: "api/promotions/{id}/cancel",
    authLevel: "function",
    summary: "Cancel a promotion and the imports of it that run",
    answers: {
      200: promotionAnswer("It has been cancelled before"),
      202: promotionAnswer("Nothing further begins; what runs stops within seconds"),
    },
    problems: [404, 409, 503],
  },
  retryPromotion: {
    method: "POST",
    route: "api/promotions/{id}/retry",
    authLevel: "function",
    summary: "Try those items of a promotion again that failed or were cancelled",
    answers: { 202: promotionAnswer("The next attempt is accepted") },
    problems: [404, 409, 503],
  },
} as const satisfies Readonly<Record<string, ApiRoute>>;
