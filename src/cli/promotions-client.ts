import { dryRunMs, getLook, type Look, readAnswer, readLook, type SendCall } from "./api-call.ts";
import { everyPage, type Page } from "./pages.ts";
import {
  type PromotionItem,
  type PromotionPlan,
  type PromotionSummary,
  type PromotionView,
  promotionItemPageSchema,
  promotionPageSchema,
  promotionPlanSchema,
  promotionViewSchema,
  scheduleRunSchema,
} from "./promotion-records.ts";
import type { RequestBody } from "./request-body.ts";

export type PromotionLook = Look<PromotionView>;
export type PromotionsClient = ReturnType<typeof createPromotionsClient>;

/** What the HTTP API does with promotions, as functions. Each sends one request and throws as {@link SendCall} does. */
export function createPromotionsClient(send: SendCall) {
  const promotionPath = (id: string) => `/api/promotions/${encodeURIComponent(id)}`;
  const pageOfItems = async (id: string, query: URLSearchParams, signal: AbortSignal): Promise<Page<PromotionItem>> => {
    const answer = await send({ method: "GET", path: `${promotionPath(id)}/items?${query}` }, signal);
    const { items, continuationToken } = readAnswer(promotionItemPageSchema, answer);
    return { entries: items, continuationToken };
  };
  return {
    async post(post: PostPromotion, signal: AbortSignal): Promise<PromotionLook> {
      const headers = { "idempotency-key": post.idempotencyKey };
      const call = { method: "POST", path: "/api/promotions", body: post.request, headers, timeoutMs: postMs } as const;
      return readLook(promotionViewSchema, await send(call, signal));
    },

    /** Which images a promotion would import; nothing is written. */
    async plan(request: RequestBody, signal: AbortSignal): Promise<PromotionPlan> {
      const body = { ...request, dryRun: true };
      const answer = await send({ method: "POST", path: "/api/promotions", body, timeoutMs: dryRunMs }, signal);
      return readAnswer(promotionPlanSchema, answer);
    },

    async get(id: string, etag: string | undefined, signal: AbortSignal): Promise<PromotionLook> {
      return getLook(send, promotionViewSchema, { path: promotionPath(id), etag }, signal);
    },

    async list(query: URLSearchParams, signal: AbortSignal): Promise<Page<PromotionSummary>> {
      const answer = await send({ method: "GET", path: `/api/promotions?${query}` }, signal);
      const { promotions, continuationToken } = readAnswer(promotionPageSchema, answer);
      return { entries: promotions, continuationToken };
    },

    pageOfItems,

    /** All items, or those in one state, page by page. */
    everyItem(id: string, state: string | undefined, signal: AbortSignal): AsyncGenerator<PromotionItem> {
      const query = new URLSearchParams({ limit: "1000", ...(state === undefined ? {} : { state }) });
      return everyPage(query, (of) => pageOfItems(id, of, signal));
    },

    async cancel(id: string, signal: AbortSignal): Promise<PromotionView> {
      const answer = await send({ method: "POST", path: `${promotionPath(id)}/cancel` }, signal);
      return readAnswer(promotionViewSchema, answer);
    },

    /** Runs a schedule now; answers the id of the promotion that this is. */
    async runSchedule(name: string, signal: AbortSignal): Promise<string> {
      const path = `/api/schedules/${encodeURIComponent(name)}/run`;
      return readAnswer(scheduleRunSchema, await send({ method: "POST", path, timeoutMs: postMs }, signal)).id;
    },

    /** Starts the items again that have failed or were cancelled. */
    async retry(id: string, signal: AbortSignal): Promise<PromotionLook> {
      return readLook(promotionViewSchema, await send({ method: "POST", path: `${promotionPath(id)}/retry` }, signal));
    },
  };
}

export interface PostPromotion {
  readonly request: RequestBody;
  readonly idempotencyKey: string;
}

const postMs = 60_000; // a thousand items are written before the answer
