import { type PromotionItem, promotionItemSchema } from "../../src/domain/promotion-item.ts";
import { type PromotionRecord, promotionRecordSchema } from "../../src/domain/promotion-record.ts";
import { anImportId, aRecord } from "./import-records.ts";

/** A promotion of a list as accept writes it. */
export function aPromotion(changes: Partial<PromotionRecord> = {}): PromotionRecord {
  return promotionRecordSchema.parse({
    v: 1,
    id: anImportId(),
    state: "Accepted",
    trigger: { kind: "http" },
    request: {},
    isExpanded: true,
    attempt: 1,
    createdAt: "2026-03-01T12:00:00.000Z",
    warnings: [],
    ...changes,
  });
}

/** An item that was not begun yet. */
export function anItem(changes: Partial<PromotionItem> = {}): PromotionItem {
  return promotionItemSchema.parse({
    v: 1,
    promotion: anImportId(),
    key: "0000",
    attempt: 1,
    state: "Pending",
    importId: anImportId(),
    source: "docker.io/library/alpine:3.20",
    target: "target.example/alpine:3.20",
    content: { kind: "spec", spec: aRecord().spec },
    importAttempt: 0,
    ...changes,
  });
}
