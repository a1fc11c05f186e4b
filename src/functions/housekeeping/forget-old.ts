import { hasEnded, type ImportRecord } from "../../domain/import-record.ts";
import { hasPromotionEnded, type PromotionRecord } from "../../domain/promotion-record.ts";
import type { DeadEvents } from "../../store/dead-events.ts";
import type { Imports } from "../../store/imports.ts";
import type { Poison } from "../../store/poison.ts";
import type { PromotionItems } from "../../store/promotion-items.ts";
import type { Promotions } from "../../store/promotions.ts";
import { mapConcurrently } from "../../transfer/map-concurrently.ts";
import type { DurableUpkeep } from "../durable-port.ts";
import type { ForgetImport } from "../forget-import.ts";
import type { Log } from "../log.ts";

export interface ForgetOldDeps {
  readonly imports: Pick<Imports, "list">;
  readonly promotions: Pick<Promotions, "list" | "delete">;
  readonly items: Pick<PromotionItems, "deleteAll">;
  readonly deadEvents: Pick<DeadEvents, "deleteOld">;
  readonly poison: Pick<Poison, "deleteOld">;
  readonly forgetImport: ForgetImport;
  /** 0 keeps everything. */
  readonly retentionDays: number;
  readonly log: Log;
  readonly now: () => Date;
}

const pageLength = 100;
const maxPages = 20; // of each kind in an hour: what is left waits for the next one
const forgottenAtOnce = 8;
const dayMs = 24 * 3_600_000;

/**
 * Each hour: forgets what ended longer ago than the settings keep it. Old imports and promotions that have not ended
 * stay, and so does what was retried since.
 */
export function createForgetOld(deps: ForgetOldDeps): (durable: Pick<DurableUpkeep, "purge">) => Promise<void> {
  const { imports, promotions, items, deadEvents, poison, forgetImport, retentionDays, log, now } = deps;
  return async (durable) => {
    if (retentionDays === 0) return;
    const before = new Date(now().getTime() - retentionDays * dayMs);
    const isOld = ({ finishedAt }: Pick<ImportRecord | PromotionRecord, "finishedAt">) =>
      finishedAt !== undefined && Date.parse(finishedAt) < before.getTime();

    const forgottenImports = await forgetPages(
      (continuationToken) => imports.list({ until: before, limit: pageLength, ...continuationToken }),
      (record) => hasEnded(record.state) && isOld(record),
      forgetImport,
    );
    const forgottenPromotions = await forgetPages(
      (continuationToken) => promotions.list({ until: before, limit: pageLength, ...continuationToken }),
      (record) => hasPromotionEnded(record.state) && isOld(record),
      async ({ id }) => {
        await items.deleteAll(id);
        await promotions.delete(id);
      },
    );
    const forgotten = {
      imports: forgottenImports,
      promotions: forgottenPromotions,
      events: await repeat(() => deadEvents.deleteOld(before)),
      messages: await repeat(() => poison.deleteOld(before)),
      histories: await durable.purge(before),
    };
    if (Object.values(forgotten).some((count) => count > 0)) log("forgotten", forgotten);
  };
}

interface Page<Item> {
  readonly records: readonly Item[];
  readonly continuationToken: string | undefined;
}

async function forgetPages<Item>(
  read: (token: { readonly continuationToken?: string }) => Promise<Page<Item>>,
  isDue: (item: Item) => boolean,
  forget: (item: Item) => Promise<void>,
): Promise<number> {
  let count = 0;
  let token: string | undefined;
  for (let pages = 0; pages < maxPages; pages += 1) {
    const page = await read(token === undefined ? {} : { continuationToken: token });
    const due = page.records.filter(isDue);
    await mapConcurrently(due, forgottenAtOnce, forget);
    count += due.length;
    token = page.continuationToken;
    if (token === undefined) break;
  }
  return count;
}

/** `deleteSome` returns 0 when there is no more. */
async function repeat(deleteSome: () => Promise<number>): Promise<number> {
  let count = 0;
  for (let pages = 0; pages < maxPages; pages += 1) {
    const deleted = await deleteSome();
    if (deleted === 0) break;
    count += deleted;
  }
  return count;
}
