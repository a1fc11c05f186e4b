import { describe, expect, it } from "vitest";
import type { ImportRecord } from "../../../../src/domain/import-record.ts";
import { retried } from "../../../../src/domain/import-transitions.ts";
import type { PromotionItem } from "../../../../src/domain/promotion-item.ts";
import type { PromotionRecord } from "../../../../src/domain/promotion-record.ts";
import { createRegistries } from "../../../../src/domain/registries.ts";
import type { ItemMessage } from "../../../../src/functions/promotions/ports.ts";
import { createStartItem } from "../../../../src/functions/promotions/start-item.ts";
import { aRecord } from "../../../helpers/import-records.ts";
import { anItem, aPromotion } from "../../../helpers/promotion-records.ts";
import { createMemoryImports, createMemoryLog } from "../memory-stores.ts";
import { noDurable } from "../schedules/schedule-builders.ts";

const now = new Date("2026-03-01T13:00:00.000Z");
const cancelledAt = now.toISOString();

interface World {
  readonly promotion?: Partial<PromotionRecord>;
  readonly item?: Partial<PromotionItem>;
  /** The item's import, where it has been begun; `begunIn`: in this attempt of the promotion. */
  readonly import?: { readonly state: ImportRecord["state"]; readonly begunIn: number };
  /** Of the message. Default: the item's. */
  readonly attempt?: number;
}

/** One delivery of an item's message. */
async function deliver({ promotion: changes = {}, item: itemChanges = {}, import: begun, attempt }: World) {
  const promotion = aPromotion({ state: "Running", ...changes });
  let item = anItem({ promotion: promotion.id, state: "Queued", ...itemChanges });
  const { importId, key } = item;
  const record =
    begun &&
    aRecord({ id: importId, state: begun.state, promotion: { id: promotion.id, item: key, attempt: begun.begunIn } });
  const { imports, write, record: recordOf } = createMemoryImports(...(record === undefined ? [] : [record]));
  const cancelled: string[] = [];
  const startItem = createStartItem({
    promotions: { read: async () => ({ record: promotion, etag: "1" }) },
    items: {
      read: async () => item,
      update: async (_promotion, _key, change) => {
        item = change(item);
        return item;
      },
    },
    imports,
    startImport: {
      accept: async ({ id, promotion: reference }) => {
        const there = recordOf(id);
        return { record: there ?? write(aRecord({ id, promotion: reference })).record, isNew: there === undefined };
      },
    },
    retry: async (stored, { digest, promotion: reference }) => {
      const choice = { digest, credentials: "absent", ...(reference && { promotion: reference }) } as const;
      return write(retried(stored.record, now, choice)).record;
    },
    cancel: async (id) => {
      cancelled.push(id);
      return recordOf(id);
    },
    settings: {
      ...{ defaultTarget: undefined, registries: createRegistries([], undefined), registrySuffix: "azurecr.io" },
      ...{ defaultConflict: "skipIfSame", defaultTimeoutSeconds: 60 },
    },
    assertAllowed: () => {},
    log: createMemoryLog().log,
    now: () => now,
  });
  const message: ItemMessage = { promotion: promotion.id, key, importId, attempt: attempt ?? item.attempt };
  await startItem(message, noDurable);
  return { item, import: recordOf(importId), isCancelled: cancelled.includes(importId) };
}

describe("the message of an item", () => {
  it("begins its import, which says for which attempt of the promotion", async () => {
    expect((await deliver({})).import).toMatchObject({ state: "Accepted", promotion: { item: "0000", attempt: 1 } });
  });

  it("begins nothing once the promotion is cancelled", async () => {
    const { import: import_, isCancelled } = await deliver({ promotion: { cancelRequestedAt: cancelledAt } });

    expect(import_).toBeUndefined();
    expect(isCancelled).toBe(false);
  });

  it("that comes again after its process was killed cancels the import that nobody saw begin", async () => {
    const world = await deliver({
      promotion: { state: "Cancelled", cancelRequestedAt: cancelledAt },
      item: { state: "Cancelled" },
      import: { state: "Copying", begunIn: 1 },
    });

    expect(world.isCancelled).toBe(true);
  });

  it.each([
    ["that has ended", { import: { state: "Succeeded", begunIn: 1 } }],
    ["of a promotion that goes on", { promotion: {}, import: { state: "Copying", begunIn: 1 } }],
  ] as const)("that comes again leaves an import alone %s", async (_, world) => {
    const promotion = { cancelRequestedAt: cancelledAt };
    const { isCancelled } = await deliver({ promotion, item: { state: "Succeeded" }, ...world });

    expect(isCancelled).toBe(false);
  });

  it("begins the next attempt of an import that failed for a former attempt of the promotion, once", async () => {
    const again = { promotion: { attempt: 2 }, item: { attempt: 2 } };

    const begun = await deliver({ ...again, import: { state: "Failed", begunIn: 1 } });
    const repeated = await deliver({ ...again, import: { state: "Failed", begunIn: 2 } });

    expect(begun.import).toMatchObject({ state: "Accepted", attempt: 2, promotion: { attempt: 2 } });
    expect(repeated.import).toMatchObject({ state: "Failed", attempt: 1 });
    expect(repeated.item.state).toBe("Failed");
  });
});
