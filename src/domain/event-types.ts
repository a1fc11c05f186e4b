/** What the end of an import is announced as. */
export const importEventTypes = [
  "drayage.import.succeeded",
  "drayage.import.failed",
  "drayage.import.skipped",
  "drayage.import.cancelled",
] as const;
/** What the end of a promotion is announced as. */
export const promotionEventType = "drayage.promotion.completed";

/** Every type of event that Drayage sends. */
export const eventTypes = [...importEventTypes, promotionEventType] as const;
export type EventType = (typeof eventTypes)[number];
