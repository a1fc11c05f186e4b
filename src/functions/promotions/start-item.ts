import { hasEnded, type Trigger } from "../../domain/import-record.ts";
import type { RequestSettings } from "../../domain/import-request.ts";
import type { ImportSpec } from "../../domain/import-spec.ts";
import {
  isToBeMended,
  itemEnded,
  itemForgotten,
  itemRefused,
  type PromotionItem,
} from "../../domain/promotion-item.ts";
import type { PromotionRecord } from "../../domain/promotion-record.ts";
import { isSelection, selectedSpec } from "../../domain/promotion-request.ts";
import { ImportError, toImportError } from "../../errors.ts";
import type { Imports } from "../../store/imports.ts";
import type { PromotionItems } from "../../store/promotion-items.ts";
import type { Promotions } from "../../store/promotions.ts";
import type { CancelRunning } from "../cancel-running.ts";
import type { DurablePort } from "../durable-port.ts";
import type { Log } from "../log.ts";
import type { RetryAttempt } from "../retry-attempt.ts";
import type { StartImport } from "../start-import.ts";
import type { ItemMessage, StartItem } from "./ports.ts";
import { settingsFor } from "./start-promotion.ts";

export interface StartItemDeps {
  readonly promotions: Pick<Promotions, "read">;
  readonly items: Pick<PromotionItems, "read" | "update">;
  readonly imports: Pick<Imports, "read">;
  readonly startImport: Pick<StartImport, "accept">;
  readonly retry: RetryAttempt;
  readonly cancel: CancelRunning;
  readonly settings: RequestSettings;
  /** Throws HOST_NOT_ALLOWED: the settings may have changed since the promotion was accepted. */
  readonly assertAllowed: (spec: ImportSpec) => void;
  readonly log: Log;
  readonly now: () => Date;
}

/** See {@link StartItem}. */
export function createStartItem(deps: StartItemDeps): StartItem {
  const { promotions, items, cancel, log, now } = deps;
  return async (message, durable) => {
    const { promotion, key } = message;
    const item = await items.read(promotion, key);
    if (item === undefined) return;
    if (!isMeant(item, message)) return await stopStray(deps, item, durable);
    const stored = await promotions.read(promotion);
    if (stored === undefined || isOver(stored.record, message)) return;
    try {
      await begin(deps, stored.record, item, durable);
    } catch (thrown) {
      const error = toImportError(thrown);
      if (error.retryable) throw thrown;
      log("promotion-item-refused", { promotionId: promotion, item: key, code: error.code, message: error.message });
      await items.update(promotion, key, (current) =>
        isMeant(current, message) ? itemRefused(current, error.toWire(), now()) : current,
      );
      return;
    }
    // Cancelled between the look at the promotion and the import's record: whoever cancelled may not have seen that.
    const after = await promotions.read(promotion);
    if (after !== undefined && isOver(after.record, message)) await ignoringState(() => cancel(item.importId, durable));
  };
}

function isMeant(item: PromotionItem, { importId, attempt }: ItemMessage): boolean {
  return item.state === "Queued" && item.importId === importId && item.attempt === attempt;
}

function isOver({ attempt, cancelRequestedAt }: PromotionRecord, message: ItemMessage): boolean {
  return attempt !== message.attempt || cancelRequestedAt !== undefined;
}

/**
 * The message comes again when its process died. It may have begun the import and not have seen that the promotion was
 * cancelled meanwhile, and who cancelled ended the item without an import to stop.
 */
async function stopStray(
  { promotions, imports, cancel }: StartItemDeps,
  { promotion, importId }: PromotionItem,
  durable: DurablePort,
): Promise<void> {
  const stored = await promotions.read(promotion);
  if (stored?.record.cancelRequestedAt === undefined) return;
  const import_ = await imports.read(importId);
  if (import_ !== undefined && !hasEnded(import_.record.state)) await ignoringState(() => cancel(importId, durable));
}

/** Accepts the item's import, or begins its next attempt where the one of a former attempt of the promotion has ended. */
async function begin(
  deps: StartItemDeps,
  promotion: PromotionRecord,
  item: PromotionItem,
  durable: DurablePort,
): Promise<void> {
  const { items, imports, startImport, retry, assertAllowed } = deps;
  const spec = specOf(promotion, item, deps.settings);
  assertAllowed(spec);
  const reference = { id: promotion.id, item: item.key, attempt: item.attempt };
  const there = item.attempt === 1 ? undefined : await imports.read(item.importId);
  // Deleted since: its attempts count from 1 again, and the row must not take their ends for those of former ones.
  if (item.importAttempt > 0 && there === undefined) await items.update(promotion.id, item.key, itemForgotten);
  const { record } =
    there ??
    (await startImport.accept(
      {
        id: item.importId,
        trigger: triggerOf(promotion),
        promotion: reference,
        request: { spec },
        causedAt: new Date(promotion.createdAt),
      },
      durable,
    ));
  if (!hasEnded(record.state)) return;
  if (there !== undefined && isToBeMended(item, record)) {
    await ignoringState(() => retry(there, { digest: "keep", promotion: reference }, durable));
    return;
  }
  await items.update(promotion.id, item.key, (current) => itemEnded(current, record)); // an end that was not written
}

function specOf(promotion: PromotionRecord, { content }: PromotionItem, settings: RequestSettings): ImportSpec {
  if (content.kind === "spec") return content.spec;
  if (!isSelection(promotion.request)) throw new Error("an image that no selection has found");
  return selectedSpec(promotion.request, content, settingsFor(settings, promotion));
}

function triggerOf({ id, schedule }: PromotionRecord): Trigger {
  return schedule === undefined ? { kind: "promotion", ref: id } : { kind: "schedule", ref: schedule };
}

/** Somebody else has moved the import on: that is as good. */
async function ignoringState(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    if (!(thrown instanceof ImportError) || thrown.code !== "IMPORT_STATE_CONFLICT") throw thrown;
  }
}
