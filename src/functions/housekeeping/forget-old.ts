import { hasEnded, type ImportRecord } from "../../domain/import-record.ts";
import { hasPromotionEnded, type PromotionRecord } from "../../domain/promotion-record.ts";
import type { DeadEvents } from "../../store/dead-events.ts";
import type { Heartbeat } from "../../store/heartbeat.ts";
import type { Imports } from "../../store/imports.ts";
import type { Poison } from "../../store/poison.ts";
import type { PromotionItems } from "../../store/promotion-items.ts";
import type { Promotions } from "../../store/promotions.ts";
import { mapConcurrently } from "../../transfer/map-concurrently.ts";
import type { DurableUpkeep } from "../durable-port.ts";
import type { ForgetImport } from "../forget-import.ts";
import type { Log } from "../log.ts";
import type { WithinBudget } from "./within-budget.ts";

export interface ForgetOldDeps {
  readonly imports: Pick<Imports, "list" | "read">;
  readonly promotions: Pick<Promotions, "list" | "read" | "insertOpen" | "delete" | "deleteOpen">;
  readonly items: Pick<PromotionItems, "deleteAll">;
  readonly deadEvents: Pick<DeadEvents, "deleteOld">;
  readonly poison: Pick<Poison, "deleteOld">;
  readonly heartbeat: Pick<Heartbeat, "readPurged" | "notePurged">;
  readonly forgetImport: ForgetImport;
  /** 0 keeps everything. */
  readonly retentionDays: number;
  readonly inTime: WithinBudget;
  readonly log: Log;
  readonly now: () => Date;
}

const pageLength = 100;
const forgottenAtOnce = 8;
const dayMs = 24 * 3_600_000;

/**
 * Each hour: forgets what ended longer ago than the settings keep it, each kind within a time of its own. Old imports and
 * promotions that have not ended stay, and so does what was retried since.
 */
export function createForgetOld(deps: ForgetOldDeps): (durable: Pick<DurableUpkeep, "purge">) => Promise<void> {
  const { imports, promotions, deadEvents, poison, retentionDays, inTime, log, now } = deps;
  return async (durable) => {
    if (retentionDays === 0) return;
    const before = new Date(now().getTime() - retentionDays * dayMs);
    const forgotten = {
      imports: await inTime("imports", (isOver) => forgetPages(imports, before, createForgetOneImport(deps), isOver)),
      promotions: await inTime("promotions", (isOver) =>
        forgetPages(promotions, before, createForgetOnePromotion(deps), isOver),
      ),
      events: await inTime("events", (isOver) => deadEvents.deleteOld(before, isOver)),
      messages: await inTime("messages", (isOver) => poison.deleteOld(before, isOver)),
      histories: await inTime("histories", (isOver) => purgeHistories(deps, durable, before, isOver)),
    };
    if (Object.values(forgotten).some((count) => count > 0)) log("forgotten", forgotten);
  };
}

const firstPurgeMs = 365 * dayMs;

/**
 * One call purges all of its window, however much that is: a day at a time, from where the last hour has come to. What
 * began before that and has ended only since is little, and looked for at once; but last, since that is the one call
 * that looks through all there is, and may fail each hour.
 */
async function purgeHistories(
  { heartbeat }: ForgetOldDeps,
  durable: Pick<DurableUpkeep, "purge">,
  before: Date,
  isOver: () => boolean,
): Promise<number> {
  const purged = (await heartbeat.readPurged()) ?? new Date(before.getTime() - firstPurgeMs);
  const start = earlier(purged, before);
  let from = start;
  let count = 0;
  while (from < before && !isOver()) {
    const until = earlier(new Date(from.getTime() + dayMs), before);
    count += await durable.purge(from, until);
    await heartbeat.notePurged(until);
    from = until;
  }
  return isOver() ? count : count + (await durable.purge(new Date(0), start));
}

function earlier(one: Date, other: Date): Date {
  return one < other ? one : other;
}

/** What was listed may have been retried since: it is read again, and goes only as it was read. */
interface Forget<Item> {
  readonly isDue: (item: Item, before: Date) => boolean;
  readonly forget: (item: Item, before: Date) => Promise<"forgotten" | "kept">;
}

function createForgetOneImport({ imports, forgetImport }: ForgetOldDeps): Forget<ImportRecord> {
  const isDue = (record: ImportRecord, before: Date) => hasEnded(record.state) && endedBefore(record, before);
  return {
    isDue,
    forget: async ({ id }, before) => {
      const stored = await imports.read(id);
      if (stored === undefined || !isDue(stored.record, before)) return "kept";
      return (await forgetImport(stored)) === "forgotten" ? "forgotten" : "kept";
    },
  };
}

function createForgetOnePromotion({ promotions, items, now }: ForgetOldDeps): Forget<PromotionRecord> {
  const isDue = (record: PromotionRecord, before: Date) =>
    hasPromotionEnded(record.state) && endedBefore(record, before);
  return {
    isDue,
    forget: async ({ id }, before) => {
      const stored = await promotions.read(id);
      if (stored === undefined || !isDue(stored.record, before)) return "kept";
      const { attempt } = stored.record;
      await promotions.insertOpen({ id, attempt, createdAt: now().toISOString() }); // for the sweep, after a crash
      const outcome = await promotions.delete(id, stored.etag);
      if (outcome === "deleted") await items.deleteAll(id);
      await promotions.deleteOpen(id, attempt);
      return outcome === "deleted" ? "forgotten" : "kept";
    },
  };
}

function endedBefore({ finishedAt }: { readonly finishedAt?: string | undefined }, before: Date): boolean {
  return finishedAt !== undefined && Date.parse(finishedAt) < before.getTime();
}

interface Lists<Item> {
  readonly list: (request: {
    readonly until: Date;
    readonly limit: number;
    readonly continuationToken?: string;
  }) => Promise<{ readonly records: readonly Item[]; readonly continuationToken: string | undefined }>;
}

async function forgetPages<Item>(
  { list }: Lists<Item>,
  before: Date,
  { isDue, forget }: Forget<Item>,
  isOver: () => boolean,
): Promise<number> {
  let count = 0;
  let token: string | undefined;
  do {
    const page = await list({
      until: before,
      limit: pageLength,
      ...(token !== undefined && { continuationToken: token }),
    });
    const due = page.records.filter((record) => isDue(record, before));
    const outcomes = await mapConcurrently(due, forgottenAtOnce, (record) => forget(record, before));
    count += outcomes.filter((outcome) => outcome === "forgotten").length;
    token = page.continuationToken;
  } while (token !== undefined && !isOver());
  return count;
}
