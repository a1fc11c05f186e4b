import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createImportId } from "../../../../src/domain/import-id.ts";
import { type PromotionRecord, promotionRecordSchema } from "../../../../src/domain/promotion-record.ts";
import { createSweepPromotions } from "../../../../src/functions/promotions/sweep-promotions.ts";
import { createPromotionItems } from "../../../../src/store/promotion-items.ts";
import { createPromotions, type Promotions } from "../../../../src/store/promotions.ts";
import type { TableAccess } from "../../../../src/store/storage-client.ts";
import { type Azurite, openTables, startAzurite } from "../../../helpers/azurite.ts";
import { createMemoryLog } from "../memory-stores.ts";
import { noDurable } from "../schedules/schedule-builders.ts";

let azurite: Azurite;
let access: TableAccess;
let promotions: Promotions;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite[Symbol.asyncDispose]());
beforeEach(() => {
  access = openTables(azurite);
  promotions = createPromotions(access);
});

const createdAt = "2026-05-01T12:00:00.000Z";
const record = promotionRecordSchema.parse({
  ...{ v: 1, id: createImportId(new Date(createdAt), "promotion"), state: "Failed", trigger: { kind: "http" } },
  ...{ attempt: 1, isExpanded: true, warnings: [], createdAt, finishedAt: createdAt, request: {} },
});

/** Two minutes later. Answers whose ends were told of. */
async function sweepOnce(): Promise<readonly PromotionRecord["id"][]> {
  const told: PromotionRecord["id"][] = [];
  const sweep = createSweepPromotions({
    promotions,
    items: createPromotionItems(access),
    startInstance: async () => expect.unreachable(),
    afterPromotionEnd: async ({ id }) => {
      told.push(id);
    },
    log: createMemoryLog().log,
    now: () => new Date("2026-05-01T12:02:00.000Z"),
  });
  await sweep(noDurable);
  return told;
}

describe("sweepPromotions", () => {
  it("tells once of an end, also where a retry was cut off right after its mark", async () => {
    await promotions.insert(record);
    await promotions.insertOpen({ id: record.id, attempt: 2, createdAt });

    expect(await sweepOnce()).toEqual([record.id]);
    expect(await sweepOnce()).toEqual([]);
  });
});
