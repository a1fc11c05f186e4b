import { HttpRequest } from "@azure/functions";
import { describe, expect, it } from "vitest";
import { createViewPromotion } from "../../../../src/functions/promotions/view-promotion.ts";
import { anItem, aPromotion } from "../../../helpers/promotion-records.ts";

const now = new Date("2026-03-01T13:00:00.000Z");
const error = { code: "SOURCE_NOT_FOUND", message: "gone", retryable: false } as const;
const result = { bytes: { copied: 0, mounted: 0, skipped: 0 }, finishedAt: now.toISOString(), error };
const failedItem = (key: string) => anItem({ key, state: "Failed", result });

describe("the view of a promotion", () => {
  it("finds its first errors behind pages that are short or empty", async () => {
    const pages = [["a"], [], ["b", "c"]].map((keys) => keys.map(failedItem));
    const view = createViewPromotion({
      items: {
        sum: async () => ({
          states: { Pending: 0, Queued: 0, Succeeded: 9_000, Skipped: 0, Failed: 3, Cancelled: 0 },
          bytes: { copied: 0, mounted: 0, skipped: 0 },
          finishedAt: [],
        }),
        list: async (_, { continuationToken = "0" }) => {
          const at = Number(continuationToken);
          return { items: pages[at] ?? [], continuationToken: at + 1 < pages.length ? String(at + 1) : undefined };
        },
      },
      now: () => now,
    });

    const { firstErrors } = await view(aPromotion(), new HttpRequest({ method: "GET", url: "http://drayage.test/x" }));

    expect(firstErrors.map(({ item }) => item)).toEqual(["a", "b", "c"]);
  });
});
