import { ImportError, type ImportErrorWire } from "../errors.ts";
import { hasPromotionEnded, type PromotionRecord, type PromotionState } from "./promotion-record.ts";
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
  const { startedAt: _, finishedAt: __, cancelRequestedAt: ___, error: ____, ...rest } = record;
  return { ...rest, state: "Accepted", attempt: record.attempt + 1, warnings: [] };
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
