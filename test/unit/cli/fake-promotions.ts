import type { FakeAnswer, SeenRequest } from "./fake-api.ts";

export const promotionId = "01ARZ3NDEKTSV4RRFFQ69G5FBW";
const base = "http://127.0.0.1/api";

/** Counts of items that add up. */
export function someCounts(counts: Readonly<Record<string, number>> = {}) {
  const all = { pending: 0, queued: 0, succeeded: 0, skipped: 0, failed: 0, cancelled: 0, ...counts };
  return { ...all, total: Object.values(all).reduce((sum, count) => sum + count, 0) };
}

/** A promotion as the API answers it. */
export function aPromotion(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const self = `${base}/promotions/${promotionId}`;
  return {
    id: promotionId,
    state: "Running",
    trigger: { kind: "http" },
    labels: { release: "7" },
    request: {
      source: { registry: "dev.example", repositories: ["team/*"], tags: { include: ["v*"] } },
      target: { registry: "prod.example" },
    },
    counts: someCounts({ pending: 4, queued: 2, succeeded: 3, skipped: 1 }),
    bytes: { copied: 40 * 1024 * 1024, mounted: 5 * 1024 * 1024, skipped: 0 },
    itemsPerSecond: 2,
    etaSeconds: 3,
    firstErrors: [],
    attempt: 1,
    createdAt: "2026-01-31T08:00:00.000Z",
    startedAt: "2026-01-31T08:00:01.000Z",
    warnings: [],
    links: { self, items: `${self}/items`, cancel: `${self}/cancel`, retry: `${self}/retry` },
    ...changes,
  };
}

const promoted = { finishedAt: "2026-01-31T08:00:05.200Z", etaSeconds: undefined };
export const succeededPromotion = aPromotion({
  ...promoted,
  state: "Succeeded",
  counts: someCounts({ succeeded: 9, skipped: 1 }),
});
export const failedPromotion = aPromotion({
  ...promoted,
  state: "Failed",
  counts: someCounts({ succeeded: 7, skipped: 1, failed: 2 }),
});
export const cancelledPromotion = aPromotion({
  ...promoted,
  state: "Cancelled",
  counts: someCounts({ succeeded: 1, cancelled: 9 }),
});

/** An item of a promotion. */
export function anItem(number: number, changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const importId = `01ARZ3NDEKTSV4RRFFQ69G5${String(number).padStart(3, "0")}`;
  return {
    item: String(number),
    source: `dev.example/team/app:v${number}`,
    target: `prod.example/team/app:v${number}`,
    state: "Succeeded",
    importId,
    importUrl: `${base}/imports/${importId}`,
    bytesCopied: 2048,
    finishedAt: "2026-01-31T08:00:04.000Z",
    ...changes,
  };
}

export function aFailedItem(number: number, error: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return anItem(number, {
    state: "Failed",
    error: {
      code: "SOURCE_NOT_FOUND",
      message: `source dev.example: team/app:v${number} is not there`,
      side: "source",
      httpStatus: 404,
      retryable: false,
      hint: "check repository and tag",
      ...error,
    },
  });
}

/** Answers for one promotion: looks one after the other (the last one stays), and its items, two to a page. */
export function answersFor(looks: readonly unknown[], items: readonly Readonly<Record<string, unknown>>[] = []) {
  let at = 0;
  return ({ url }: SeenRequest): FakeAnswer => {
    if (!url.includes("/items")) {
      const body = looks[Math.min(at, looks.length - 1)];
      at += 1;
      return { status: at === 1 ? 202 : 200, body };
    }
    const query = new URL(url, base).searchParams;
    const state = query.get("state");
    const start = Number(query.get("continuationToken") ?? 0);
    const matching = items.filter((item) => state === null || item.state === state);
    const page = matching.slice(start, start + 2);
    const next = start + 2 < matching.length ? { continuationToken: String(start + 2) } : {};
    return { body: { items: page, ...next } };
  };
}
