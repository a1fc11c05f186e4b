import { ImportError, type ImportErrorWire } from "../errors.ts";
import { hasPromotionEnded, type ItemCounts, type PromotionRecord, type PromotionState } from "./promotion-record.ts";
import { addWarnings, fitError } from "./record-text.ts";

/*
 * Every change of a promotion after it was accepted. Each is pure, and returns the very record it was given when there is
 * nothing to change. What must not happen throws PROMOTION_STATE_CONFLICT.
 */

/** It works on its items, or still finds them. */
export function promotionMoved(record: PromotionRecord, to: "Expanding" | "Running", now: Date): PromotionRecord {
  if (hasPromotionEnded(record.state) || record.state === to || (record.state === "Running" && to === "Expanding"))
    return record;
  return { ...record, state: to, startedAt: record.startedAt ?? now.toISOString() };
}

/** A page of its selection stands in rows. */
export function promotionExpanded(
  record: PromotionRecord,
  page: { readonly warnings: readonly string[]; readonly isLast: boolean },
): PromotionRecord {
  const warnings = addWarnings(record.warnings, page.warnings);
  const isExpanded = record.isExpanded || page.isLast;
  if (isExpanded === record.isExpanded && warnings.length === record.warnings.length) return record;
  return { ...record, isExpanded, warnings };
}

/** No further item shall begin, and what runs shall stop. */
export function promotionCancelRequested(record: PromotionRecord, now: Date): PromotionRecord {
  if (record.state === "Cancelled" || (record.cancelRequestedAt !== undefined && !hasPromotionEnded(record.state)))
    return record;
  if (hasPromotionEnded(record.state)) throw conflict(record, `it has ended as ${record.state}`);
  return { ...record, cancelRequestedAt: now.toISOString() };
}

/** The next attempt of a promotion that failed or was cancelled: of its items, those that failed or were cancelled. */
export function promotionRetried(record: PromotionRecord): PromotionRecord {
  if (record.state !== "Failed" && record.state !== "Cancelled")
    throw conflict(record, `it is ${record.state}`, "only a promotion that failed or was cancelled can be retried");
  const { v, id, trigger, request, isExpanded, schedule, attempt, createdAt } = record;
  const kept = { v, id, trigger, request, isExpanded, ...(schedule !== undefined && { schedule }), createdAt };
  return { ...kept, state: "Accepted", attempt: attempt + 1, warnings: [] };
}

/** A step threw what no error is foreseen for. */
export function promotionFaulted(record: PromotionRecord, fault: string): PromotionRecord {
  if (hasPromotionEnded(record.state) || record.fault === fault) return record;
  return { ...record, fault };
}

/** Starts of an orchestration that find everything as the one before them: the next one would, too. */
const maxRestarts = 3;

/**
 * Its orchestration is gone without an end and starts again, or the promotion ends: its steps fail each time, and no item
 * has been found or has ended since three starts ago.
 */
export function promotionRestarted(record: PromotionRecord, counts: ItemCounts, now: Date): PromotionRecord {
  if (hasPromotionEnded(record.state)) return record;
  const { total, pending, queued } = counts;
  const ended = total - pending - queued;
  const { restarts } = record;
  const isStuck = restarts?.total === total && restarts.ended === ended;
  if (isStuck && restarts.count >= maxRestarts) return promotionEnded(record, stuckEnd(record), now);
  return { ...record, restarts: { count: isStuck ? restarts.count + 1 : 1, total, ended } };
}

function stuckEnd({ cancelRequestedAt, fault }: PromotionRecord): PromotionEnd {
  if (cancelRequestedAt !== undefined) return { state: "Cancelled" };
  const error = new ImportError({
    code: "INTERNAL",
    what: `a step of the promotion fails whenever it is started${fault === undefined ? "" : `: ${fault}`}`,
    hint: "the service's log has the cause; items that were not begun are begun by a retry",
    retryable: true,
  });
  return { state: "Failed", error: error.toWire() };
}

export type PromotionEnd =
  | { readonly state: Extract<PromotionState, "Succeeded" | "Cancelled"> }
  | { readonly state: "Failed"; readonly error: ImportErrorWire };

/** The terminal record; one that has ended is left alone. */
export function promotionEnded(record: PromotionRecord, end: PromotionEnd, now: Date): PromotionRecord {
  if (hasPromotionEnded(record.state)) return record;
  return {
    ...record,
    state: end.state,
    finishedAt: now.toISOString(),
    ...(end.state === "Failed" && { error: fitError(end.error) }),
  };
}

/** What a promotion fails with whose items have. */
export function itemsFailed(failed: number, total: number): ImportErrorWire {
  return new ImportError({
    code: "PROMOTION_ITEMS_FAILED",
    what: `${failed} of ${total} items failed`,
    hint: "the items say why; a retry repeats only those",
  }).toWire();
}

function conflict({ id }: PromotionRecord, what: string, hint?: string): ImportError {
  return new ImportError({
    code: "PROMOTION_STATE_CONFLICT",
    what: `promotion ${id}: ${what}`,
    ...(hint !== undefined && { hint }),
  });
}
