import { beforeEach, describe, expect, it } from "vitest";
import type { PromotionRecord } from "../../../../src/domain/promotion-record.ts";
import { createAdvancePromotion } from "../../../../src/functions/promotions/advance-promotion.ts";
import { advanceOutcomeSchema, type Window } from "../../../../src/functions/promotions/promotion-steps.ts";
import { createPromotionItems, type PromotionItems } from "../../../../src/store/promotion-items.ts";
import { anItem, aPromotion } from "../../../helpers/promotion-records.ts";
import { useTables } from "../../../helpers/use-tables.ts";

const tables = useTables();

const startedAt = Date.parse("2026-03-01T12:00:00.000Z");
const fromStart: Window = { oldest: "", newest: "" };
let items: PromotionItems;
let queued: string[];
let stopped: string[];
beforeEach(() => {
  items = createPromotionItems(tables.access);
  queued = [];
  stopped = [];
});

async function promotionOf(count: number, maxConcurrent: number): Promise<PromotionRecord> {
  const promotion = aPromotion({ state: "Running", request: { maxConcurrent } });
  await items.insert(
    Array.from({ length: count }, (_, at) => anItem({ promotion: promotion.id, key: String(at).padStart(4, "0") })),
  );
  return promotion;
}

/** One look, `atSeconds` after the promotion began. */
async function look(record: PromotionRecord, window: Window, atSeconds: number) {
  const advance = createAdvancePromotion({
    promotions: { update: async () => record },
    items,
    imports: { read: async () => undefined },
    stop: async (importId) => {
      stopped.push(importId);
      return undefined;
    },
    enqueue: async (messages) => {
      queued.push(...messages.map(({ key }) => key));
    },
    now: () => new Date(startedAt + atSeconds * 1_000),
  });
  const input = { v: 1, promotionId: record.id, attempt: 1, window } as const;
  const outcome = advanceOutcomeSchema.parse(
    await advance.work(input, { record, signal: new AbortController().signal }),
  );
  return outcome.kind === "running" ? outcome : { ...outcome, window: fromStart, lookAgainSeconds: undefined };
}

const end = (record: PromotionRecord, ...keys: readonly string[]) =>
  Promise.all(keys.map((key) => items.update(record.id, key, (item) => ({ ...item, state: "Succeeded" }))));

describe("advancePromotion", () => {
  it("keeps an early item apart that does not end, so that the range it reads stays short", async () => {
    const record = await promotionOf(4, 2);

    const first = await look(record, fromStart, 0);
    await end(record, "0001");
    const second = await look(record, first.window, 180);
    await end(record, "0002");
    const third = await look(record, second.window, 182);
    await end(record, "0000", "0003");
    const last = await look(record, third.window, 184);

    expect(second.window).toEqual({ oldest: "0002", newest: "0002", apart: ["0000"] });
    expect(third.window).toMatchObject({ oldest: "0003", apart: ["0000"] });
    expect(queued).toEqual(["0000", "0001", "0002", "0003"]); // never more than two at once
    expect(last.kind).toBe("done");
  });

  it("counts an item that is apart as one of the window, also when it was the last to be queued", async () => {
    const record = await promotionOf(3, 1);

    const first = await look(record, fromStart, 0);
    const second = await look(record, first.window, 180);
    const third = await look(record, second.window, 182);

    expect(second.window).toEqual({ oldest: "0000", newest: "0000", apart: ["0000"] });
    expect(third.window).toEqual(second.window);
    expect(queued).toEqual(["0000"]);
  });

  it("looks at some of many that are apart, at others the next time", async () => {
    const record = await promotionOf(20, 20);
    const first = await look(record, fromStart, 0);
    const second = await look(record, first.window, 180);
    await end(record, "0000", "0015");

    const third = await look(record, second.window, 182);
    const fourth = await look(record, third.window, 184);

    expect(second.window.apart).toHaveLength(20);
    expect(third.window.apart).not.toContain("0000");
    expect(third.window.apart).toContain("0015");
    expect(fourth.window.apart).not.toContain("0015");
  });

  it("asks for the next look the sooner, the more of the window has ended", async () => {
    const record = await promotionOf(60, 20);

    const filled = await look(record, fromStart, 0);
    const none = await look(record, filled.window, 1);
    await end(record, "0000");
    const one = await look(record, none.window, 2);
    await end(record, "0001", "0002", "0003");
    const some = await look(record, one.window, 3);
    await end(record, ...Array.from({ length: 10 }, (_, at) => String(4 + at).padStart(4, "0")));
    const half = await look(record, some.window, 4);

    const seconds = [filled, none, one, some, half].map(({ lookAgainSeconds }) => lookAgainSeconds);
    expect(seconds).toEqual([0.25, undefined, undefined, 1, 0.25]);
  });

  it("stops what is apart too when the promotion is cancelled", async () => {
    const record = await promotionOf(3, 2);
    const first = await look(record, fromStart, 0);
    await end(record, "0001");
    const second = await look(record, first.window, 180);

    const cancelled = { ...record, cancelRequestedAt: "2026-03-01T12:03:01.000Z" };
    const third = await look(cancelled, second.window, 181);
    const last = await look(cancelled, third.window, 183);

    expect(stopped).toHaveLength(2);
    expect(last.kind).toBe("done");
    expect((await items.read(record.id, "0000"))?.state).toBe("Cancelled");
  });
});
