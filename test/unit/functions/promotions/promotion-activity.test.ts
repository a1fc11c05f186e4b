import { describe, expect, it } from "vitest";
import { z } from "zod";
import { promotionIdSchema } from "../../../../src/domain/promotion-record.ts";
import { ImportError } from "../../../../src/errors.ts";
import { createPromotionActivity } from "../../../../src/functions/promotions/promotion-activity.ts";
import { aPromotion } from "../../../helpers/promotion-records.ts";
import { createMemoryLog } from "../memory-stores.ts";

const input = z.strictObject({ promotionId: promotionIdSchema, attempt: z.int() });

/** Runs a step that throws; answers its outcome or what it threw, and the record afterwards. */
async function run(thrown: unknown) {
  let record = aPromotion({ state: "Running" });
  const step = createPromotionActivity(
    {
      promotions: {
        read: async () => ({ record, etag: "1" }),
        update: async (_, change) => {
          record = change(record);
          return record;
        },
      },
      stopping: new AbortController().signal,
      budgetMs: 60_000,
      log: createMemoryLog().log,
    },
    { name: "advancePromotion", input, work: () => Promise.reject(thrown) },
  );
  const outcome = await step({ promotionId: record.id, attempt: 1 }).catch((error: unknown) => error);
  return { outcome, record };
}

describe("a step of a promotion", () => {
  it("that meets a bug leaves in the record what it threw, without secrets, and throws", async () => {
    const { outcome, record } = await run(new TypeError("no row at https://t.example/Rows?sig=hunter2"));

    expect(outcome).toBeInstanceOf(Error);
    expect(record.fault).toBe("advancePromotion: no row at https://t.example/Rows");
  });

  it("that must wait leaves the record alone", async () => {
    const { outcome, record } = await run(
      new ImportError({ code: "STORAGE_UNAVAILABLE", what: "busy", retryable: true }),
    );

    expect(outcome).toMatchObject({ kind: "wait" });
    expect(record.fault).toBeUndefined();
  });
});
