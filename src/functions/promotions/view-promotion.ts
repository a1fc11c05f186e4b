import type { HttpRequest } from "@azure/functions";
import type { ImportId } from "../../domain/import-id.ts";
import type { PromotionItem } from "../../domain/promotion-item.ts";
import {
  hasPromotionEnded,
  type ItemCounts,
  type PromotionItemView,
  type PromotionRecord,
  type PromotionSummary,
  type PromotionView,
} from "../../domain/promotion-record.ts";
import { definedOnly } from "../../errors.ts";
import type { ItemSum, PromotionItems } from "../../store/promotion-items.ts";
import { baseUrlOf } from "../base-url.ts";
import { createBriefCache } from "../brief-cache.ts";

export interface ViewPromotionDeps {
  readonly items: Pick<PromotionItems, "sum" | "list">;
  readonly now: () => Date;
}

const freshMs = 2_000;
const maxCached = 100;
const maxFirstErrors = 10;

interface Seen {
  readonly sum: ItemSum;
  readonly failed: readonly PromotionItem[];
}

/** A promotion as its callers see it. Its items are summed at most every 2 s in this process. */
export function createViewPromotion({ items, now }: ViewPromotionDeps) {
  const seen = createBriefCache<Seen>({ now, freshMs, maxEntries: maxCached });

  const look = async (id: ImportId): Promise<Seen> => {
    const sum = await items.sum(id);
    return { sum, failed: sum.states.Failed === 0 ? [] : await firstFailed(id) };
  };
  /** A filtered page may be short or empty although more follow: failed ones may stand behind thousands of others. */
  const firstFailed = async (id: ImportId) => {
    const failed: PromotionItem[] = [];
    let token: string | undefined;
    do {
      const limit = maxFirstErrors - failed.length;
      const page = await items.list(id, { state: "Failed", limit, ...definedOnly({ continuationToken: token }) });
      failed.push(...page.items);
      token = page.continuationToken;
    } while (token !== undefined && failed.length < maxFirstErrors);
    return failed;
  };

  return async (record: PromotionRecord, request: HttpRequest): Promise<PromotionView> => {
    const { id, attempt, state } = record;
    const { sum, failed } = await seen(`${id} ${attempt} ${state}`, () => look(id));
    const counts = countsOf(sum);
    const { links, ...summary } = summaryOf(record, baseUrlOf(request));
    return {
      ...summary,
      counts,
      bytes: sum.bytes,
      ...rateOf(record, sum, counts, now()),
      firstErrors: failed.flatMap(({ key, importId, result }) =>
        result?.error === undefined ? [] : [{ item: key, importId, error: result.error }],
      ),
      links,
    };
  };
}
export type ViewPromotion = ReturnType<typeof createViewPromotion>;

/** A promotion without what is summed over its items. */
export function summaryOf(record: PromotionRecord, baseUrl: string): PromotionSummary {
  const { id, state, trigger, request, attempt, createdAt, startedAt, finishedAt, error, warnings } = record;
  const self = `${baseUrl}/api/promotions/${id}`;
  return {
    ...{ id, state, trigger, labels: request.labels ?? {}, request, attempt, createdAt },
    ...definedOnly({ startedAt, finishedAt, error }),
    warnings,
    links: { self, items: `${self}/items`, cancel: `${self}/cancel`, retry: `${self}/retry` },
  };
}

export function viewItem(item: PromotionItem, baseUrl: string): PromotionItemView {
  const { key, source, target, state, importId, result } = item;
  return {
    ...{ item: key, source, target, state, importId, importUrl: `${baseUrl}/api/imports/${importId}` },
    ...definedOnly({
      importState: result?.importState,
      bytesCopied: result?.importState === undefined ? undefined : result.bytes.copied,
      finishedAt: result?.finishedAt,
      error: result?.error,
    }),
  };
}

export function countsOf({ states }: ItemSum): ItemCounts {
  const { Pending, Queued, Succeeded, Skipped, Failed, Cancelled } = states;
  return {
    pending: Pending,
    queued: Queued,
    succeeded: Succeeded,
    skipped: Skipped,
    failed: Failed,
    cancelled: Cancelled,
    total: Pending + Queued + Succeeded + Skipped + Failed + Cancelled,
  };
}

/** Of this attempt: what ended in it, by the time since it began. */
function rateOf(record: PromotionRecord, sum: ItemSum, { pending, queued }: ItemCounts, now: Date) {
  const { startedAt, finishedAt, state } = record;
  if (startedAt === undefined) return { itemsPerSecond: 0 };
  const ended = sum.finishedAt.filter((time) => time >= startedAt).length;
  const seconds = ((finishedAt === undefined ? now.getTime() : Date.parse(finishedAt)) - Date.parse(startedAt)) / 1_000;
  const itemsPerSecond = seconds <= 0 ? 0 : Math.round((ended / seconds) * 1_000) / 1_000;
  if (hasPromotionEnded(state) || itemsPerSecond === 0) return { itemsPerSecond };
  return { itemsPerSecond, etaSeconds: Math.ceil((pending + queued) / itemsPerSecond) };
}
