import { beforeEach, describe, expect, it } from "vitest";
import { createImportId } from "../../../../src/domain/import-id.ts";
import { type PromotionRecord, promotionRecordSchema } from "../../../../src/domain/promotion-record.ts";
import type { InstanceState } from "../../../../src/functions/durable-port.ts";
import { createSweepPromotions } from "../../../../src/functions/promotions/sweep-promotions.ts";
import { createPromotionItems } from "../../../../src/store/promotion-items.ts";
import { createPromotions, type Promotions } from "../../../../src/store/promotions.ts";
import { anItem } from "../../../helpers/promotion-records.ts";
import { useTables } from "../../../helpers/use-tables.ts";
import { createMemoryLog } from "../memory-stores.ts";
import { noDurable } from "../schedules/schedule-builders.ts";

const tables = useTables();
let promotions: Promotions;
beforeEach(() => {
  promotions = createPromotions(tables.access);
});

const createdAt = "2026-05-01T12:00:00.000Z";
const record = promotionRecordSchema.parse({
  ...{ v: 1, id: createImportId(new Date(createdAt), "promotion"), state: "Failed", trigger: { kind: "http" } },
  ...{ attempt: 1, isExpanded: true, warnings: [], createdAt, finishedAt: createdAt, request: {} },
});

interface Sweep {
  /** When it is. Default: two minutes after the promotion was asked for. */
  readonly at?: string;
  readonly instance?: InstanceState;
  /** What others do while it looks for the record. */
  readonly meanwhile?: () => Promise<void>;
  readonly start?: () => Promise<void>;
  /** What others do between its decision and its write. */
  readonly beforeWrite?: () => Promise<void>;
}

/** Answers whose ends were told of, and how many orchestrations were started. */
async function sweepOnce({ at = "2026-05-01T12:02:00.000Z", instance, meanwhile, start, beforeWrite }: Sweep = {}) {
  const told: PromotionRecord["id"][] = [];
  let started = 0;
  const { log, events } = createMemoryLog();
  const sweep = createSweepPromotions({
    promotions: {
      ...promotions,
      read: async (id) => {
        await meanwhile?.();
        return await promotions.read(id);
      },
      update: async (id, change) => {
        await beforeWrite?.();
        return await promotions.update(id, change);
      },
    },
    items: createPromotionItems(tables.access),
    startInstance: async () => {
      await start?.();
      started += 1;
    },
    afterPromotionEnd: async ({ id }) => {
      told.push(id);
    },
    log,
    now: () => new Date(at),
  });
  await sweep(instance === undefined ? noDurable : { ...noDurable, state: async () => instance });
  return { told, started, events: events() };
}

async function put(changes: Partial<PromotionRecord>): Promise<void> {
  const { finishedAt: _, ...open } = record;
  await promotions.insert({ ...open, ...changes });
  await promotions.insertOpen({ id: record.id, attempt: 1, createdAt });
}

const item = anItem({ promotion: record.id, state: "Pending" });
const stateOf = async () => (await promotions.read(record.id))?.record;

describe("sweepPromotions", () => {
  it("tells once of an end, also where a retry was cut off right after its mark", async () => {
    await promotions.insert(record);
    await promotions.insertOpen({ id: record.id, attempt: 2, createdAt });

    expect((await sweepOnce()).told).toEqual([record.id]);
    expect((await sweepOnce()).told).toEqual([]);
  });

  it("fails a promotion whose steps throw whenever they are started, with what they threw", async () => {
    await put({ state: "Running", fault: "advancePromotion: the row is not what it should be" });
    await createPromotionItems(tables.access).insert([item]);
    let started = 0;

    for (let sweeps = 0; sweeps < 6; sweeps += 1) started += (await sweepOnce({ instance: "ended" })).started;

    expect(started).toBe(3);
    expect(await stateOf()).toMatchObject({
      state: "Failed",
      error: { code: "INTERNAL", message: expect.stringContaining("the row is not what it should be") },
    });
    expect(await promotions.listOpen()).toEqual([]);
  });

  it("says nothing of an end that the promotion came to by itself just before", async () => {
    const { finishedAt } = record;
    await put({ state: "Running" });
    for (let sweeps = 0; sweeps < 3; sweeps += 1) await sweepOnce({ instance: "ended" });
    const endsItself = async () => {
      await promotions.update(record.id, (current) => ({ ...current, state: "Succeeded", finishedAt }));
    };

    const beaten = await sweepOnce({ instance: "ended", beforeWrite: endsItself });

    expect(beaten).toMatchObject({ told: [record.id], events: [] });
    expect(await stateOf()).toMatchObject({ state: "Succeeded" });
  });

  it("says that it has ended a promotion", async () => {
    await put({ state: "Running" });
    for (let sweeps = 0; sweeps < 3; sweeps += 1) await sweepOnce({ instance: "ended" });

    expect((await sweepOnce({ instance: "ended" })).events).toEqual(["sweep-ended"]);
  });

  it("ends it as cancelled where that was asked for", async () => {
    await put({ state: "Running", cancelRequestedAt: createdAt });

    for (let sweeps = 0; sweeps < 4; sweeps += 1) await sweepOnce({ instance: "ended" });

    expect(await stateOf()).toMatchObject({ state: "Cancelled" });
  });

  it("goes on for as long as items end between two starts", async () => {
    await put({ state: "Running" });
    const items = createPromotionItems(tables.access);
    const rows = Array.from({ length: 6 }, (_, at) => ({ ...item, key: String(at) }));
    await items.insert(rows);

    for (const { key } of rows) {
      await items.update(record.id, key, (current) => ({ ...current, state: "Succeeded" }));
      await sweepOnce({ instance: "ended" });
    }

    expect(await stateOf()).toMatchObject({ state: "Running", restarts: { count: 1 } });
  });

  it("counts no start that could not be made", async () => {
    await put({ state: "Running" });
    const start = () => Promise.reject(new Error("the host does not answer"));

    for (let sweeps = 0; sweeps < 6; sweeps += 1) await sweepOnce({ instance: "ended", start });

    expect(await stateOf()).toMatchObject({ state: "Running" });
  });

  it("forgets items without a record after 10 minutes, but not those of a request that just comes again", async () => {
    const items = createPromotionItems(tables.access);
    const open = { id: record.id, attempt: 1 };
    await promotions.insertOpen({ ...open, createdAt });
    await items.insert([item]);
    const at = "2026-05-01T12:11:00.000Z";

    await sweepOnce({ at, meanwhile: () => promotions.insertOpen({ ...open, createdAt: at }) });
    const kept = await items.read(record.id, item.key);
    await sweepOnce({ at: "2026-05-01T12:22:00.000Z" });

    expect(kept).toEqual(item);
    expect(await items.read(record.id, item.key)).toBeUndefined();
    expect(await promotions.listOpen()).toEqual([]);
  });

  it("keeps out a request that comes again while its items are being forgotten", async () => {
    const open = { id: record.id, attempt: 1, createdAt };
    await promotions.insertOpen(open);
    await promotions.forgetOpen(open);

    const again = promotions.insertOpen({ ...open, createdAt: "2026-05-01T12:11:00.000Z" });

    await expect(again).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE", retryable: true });
  });
});
