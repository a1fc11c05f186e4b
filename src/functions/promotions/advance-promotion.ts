import type { ImportId } from "../../domain/import-id.ts";
import { hasEnded } from "../../domain/import-record.ts";
import { cancelRequested } from "../../domain/import-transitions.ts";
import { itemCancelled, itemEnded } from "../../domain/promotion-item.ts";
import type { PromotionRecord } from "../../domain/promotion-record.ts";
import { promotionMoved } from "../../domain/promotion-transitions.ts";
import { ImportError } from "../../errors.ts";
import type { Imports } from "../../store/imports.ts";
import type { ItemMark } from "../../store/promotion-item-row.ts";
import type { PromotionItems } from "../../store/promotion-items.ts";
import type { Promotions } from "../../store/promotions.ts";
import { mapConcurrently } from "../../transfer/map-concurrently.ts";
import type { StopImport } from "../stop-import.ts";
import type { EnqueueItems } from "./ports.ts";
import type { PromotionActivity } from "./promotion-activity.ts";
import {
  type AdvanceInput,
  type AdvanceOutcome,
  advanceInputSchema,
  maxApart,
  type Window,
} from "./promotion-steps.ts";

export interface AdvancePromotionDeps {
  readonly promotions: Pick<Promotions, "update">;
  readonly items: Pick<PromotionItems, "mark" | "marks" | "markQueued" | "update">;
  readonly imports: Pick<Imports, "read">;
  readonly stop: StopImport;
  readonly enqueue: EnqueueItems;
  readonly now: () => Date;
}

/** Imports of a promotion that are queued or running at once, unless it says otherwise. */
const defaultMaxConcurrent = 50;

/** Sorts behind every key: nothing is left to be queued. */
const behindAll = "~";
const writesAtOnce = 8;
const cancelledAtOnce = 500;
/** After that long without an end it is looked whether an item's message or its import's end was lost. */
const overdueMs = 5 * 60_000;
const lookedAtOnce = 20;
/**
 * What is queued for longer is kept apart and looked at by itself, some at each look: the range that is read for the
 * others holds what was queued since, however long one early item takes.
 */
const apartAfterMs = 2 * 60_000;
const apartAtOnce = 8;

/** One look at the window: how many of the queued items are unfinished, and as many more into the queue as it may hold. */
export function createAdvancePromotion(deps: AdvancePromotionDeps): PromotionActivity<AdvanceInput, AdvanceOutcome> {
  return {
    name: "advancePromotion",
    input: advanceInputSchema,
    work: async ({ window }, { record }) => {
      if (record.state !== "Running")
        await deps.promotions.update(record.id, (current) => promotionMoved(current, "Running", deps.now()));
      return record.cancelRequestedAt === undefined
        ? await advance(deps, record, window)
        : await cancel(deps, record, window);
    },
  };
}

async function advance(deps: AdvancePromotionDeps, record: PromotionRecord, window: Window): Promise<AdvanceOutcome> {
  const { items, now } = deps;
  const maxConcurrent = record.request.maxConcurrent ?? defaultMaxConcurrent;
  const apart = await lookApart(deps, record.id, window);
  const queued = await unfinishedOf(deps, record.id, window, maxConcurrent);
  const near = queued.filter(({ key }) => !apart.keys.includes(key)); // the newest of the range may be apart itself
  await lookAfterOverdue(deps, record.id, [...apart.seen, ...near]);
  const unfinished = setApart(apart.keys, near, now());
  const room = maxConcurrent - apart.keys.length - near.length;
  if (room <= 0 || window.newest === behindAll) return outcomeOf(unfinished, window.newest);
  // Queued ones behind the window: an advance that crashed has marked them, and may not have sent them.
  const range = { after: window.newest, states: ["Pending", "Queued"] } as const;
  const next = await items.marks(record.id, range, room);
  const pending = next.items.filter(({ state }) => state === "Pending");
  if (pending.length > 0 && (await items.markQueued(record.id, pending, now())) === "conflict") {
    return { kind: "running", window }; // somebody else moved them: look again
  }
  await deps.enqueue(next.items.map((item) => messageOf(record.id, item)));
  const newest = next.isLast ? behindAll : (next.items.at(-1)?.key ?? window.newest);
  const outcome = outcomeOf({ ...unfinished, near: [...unfinished.near, ...next.items] }, newest);
  return withPause(outcome, next.items.length / maxConcurrent);
}

/** Nothing begins any more: what is pending ends here, what was queued or runs is told to stop. */
async function cancel(deps: AdvancePromotionDeps, record: PromotionRecord, window: Window): Promise<AdvanceOutcome> {
  const { items, now } = deps;
  const queued = await unfinishedOf(deps, record.id, whole(window), cancelledAtOnce);
  const range = { after: window.newest, states: ["Pending", "Queued"] } as const;
  const rest = await items.marks(record.id, range, cancelledAtOnce);
  await mapConcurrently([...queued, ...rest.items], writesAtOnce, async ({ key, state, importId }) => {
    if (state === "Queued") return await stopItem(deps, record.id, key, importId);
    await items.update(record.id, key, (item) => (item.state === "Pending" ? itemCancelled(item, now()) : item));
  });
  const newest = rest.isLast ? behindAll : (rest.items.at(-1)?.key ?? window.newest);
  return outcomeOf({ apart: [], near: [...queued, ...rest.items] }, newest);
}

/** The window from its earliest item on: all of them are to be stopped, and soon end. */
function whole({ oldest, newest, apart = [] }: Window): Window {
  const [first = oldest] = [...apart, oldest].sort();
  return { oldest: first, newest };
}

/** Those of the items apart that may be unfinished, and what was seen of some; the next look sees others. */
async function lookApart({ items }: AdvancePromotionDeps, promotion: ImportId, { apart = [] }: Window) {
  const looked = apart.slice(0, apartAtOnce);
  const marks = await mapConcurrently(looked, writesAtOnce, (key) => items.mark(promotion, key));
  const seen = marks.filter((mark) => mark?.state === "Queued").filter((mark) => mark !== undefined);
  return { seen, keys: [...apart.slice(apartAtOnce), ...seen.map(({ key }) => key)] };
}

interface Unfinished {
  /** Keys, those that were looked at longest ago first. */
  readonly apart: readonly string[];
  /** In the order of their keys. */
  readonly near: readonly ItemMark[];
}

/** Only from the front: what is behind another one makes the range no longer. */
function setApart(apart: readonly string[], near: readonly ItemMark[], now: Date): Unfinished {
  const isLate = ({ queuedAt }: ItemMark) => now.getTime() - Date.parse(queuedAt ?? "") > apartAfterMs;
  const firstOther = near.findIndex((mark) => !isLate(mark));
  const count = Math.min(firstOther < 0 ? near.length : firstOther, maxApart - apart.length);
  return { apart: [...apart, ...near.slice(0, count).map(({ key }) => key)], near: near.slice(count) };
}

/**
 * The next look comes the sooner, the more of the window had ended by this one (`share`): at half of it, in a quarter of a
 * second. So a window of 50 lets some 100 short imports through in a second, where a look each 2 s would let 25. What a
 * look costs besides the messages (the record, the range, the next items, their batches: 4 transactions and one per
 * hundred) is paid for by at least an eighth of the window, else it comes at the tick.
 */
function withPause(outcome: AdvanceOutcome, share: number): AdvanceOutcome {
  if (outcome.kind !== "running" || share < 1 / 8) return outcome;
  return { ...outcome, lookAgainSeconds: share < 1 / 2 ? 1 : 0.25 };
}

/** Stops the import of an item; without one, or with one that had ended before this attempt, the item ends at once. */
async function stopItem(
  { stop, items, now }: AdvancePromotionDeps,
  promotion: ImportId,
  key: string,
  importId: ImportId,
): Promise<void> {
  const stopped = await stop(importId, (import_) =>
    hasEnded(import_.state) ? import_ : cancelRequested(import_, now()),
  ).catch((thrown: unknown) => {
    if (thrown instanceof ImportError && thrown.code === "IMPORT_STATE_CONFLICT") return "publishing" as const;
    throw thrown;
  });
  if (stopped === "publishing") return; // its end is near, and comes as with any import
  if (stopped !== undefined && !hasEnded(stopped.state)) return;
  await items.update(promotion, key, (item) => {
    const after = stopped === undefined ? item : itemEnded(item, stopped);
    return itemCancelled(after, now());
  });
}

async function unfinishedOf(
  { items }: AdvancePromotionDeps,
  promotion: ImportId,
  { oldest, newest }: Window,
  limit: number,
): Promise<readonly ItemMark[]> {
  const range = { from: oldest, upTo: newest, states: ["Queued"] } as const;
  return newest === "" ? [] : (await items.marks(promotion, range, limit)).items;
}

/** A message that was lost is sent again, an end that was not written is. The first `lookedAtOnce` of those that are due. */
async function lookAfterOverdue(
  { items, imports, enqueue, now }: AdvancePromotionDeps,
  promotion: ImportId,
  queued: readonly ItemMark[],
): Promise<void> {
  const due = queued.filter(({ queuedAt }) => now().getTime() - Date.parse(queuedAt ?? "") > overdueMs);
  await mapConcurrently(due.slice(0, lookedAtOnce), writesAtOnce, async (mark) => {
    const stored = await imports.read(mark.importId);
    const isRunning = stored !== undefined && !hasEnded(stored.record.state);
    const item = await items.update(promotion, mark.key, (current) => {
      if (current.state !== "Queued") return current;
      const after = stored === undefined ? current : itemEnded(current, stored.record);
      return after === current ? { ...current, queuedAt: now().toISOString() } : after;
    });
    if (item?.state === "Queued" && !isRunning) await enqueue([messageOf(promotion, mark)]);
  });
}

function messageOf(promotion: ImportId, { key, attempt, importId }: ItemMark) {
  return { promotion, key, attempt, importId };
}

function outcomeOf({ near, apart }: Unfinished, newest: string): AdvanceOutcome {
  const [first] = near;
  if (first === undefined && apart.length === 0 && newest === behindAll) return { kind: "done" };
  const window = { oldest: first?.key ?? newest, newest, ...(apart.length > 0 && { apart: [...apart] }) };
  return { kind: "running", window };
}
