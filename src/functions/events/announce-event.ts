import { type CloudEvent, type ItemCounts, importEvent, promotionEvent } from "../../domain/cloud-event.ts";
import type { DeliveryMessage } from "../../domain/event-delivery.ts";
import type { EventSink } from "../../domain/event-sinks.ts";
import { type EventType, promotionEventType } from "../../domain/event-types.ts";
import type { PromotionRecord } from "../../domain/promotion-record.ts";
import { formatQueueText } from "../../domain/queue-text.ts";
import type { AfterEnd } from "../end-import.ts";

/** Puts a text into a queue; it stays hidden for `visibilitySeconds`. */
export type SendText = (text: string, options?: { readonly visibilitySeconds?: number }) => Promise<void>;

export interface AnnounceEventDeps {
  readonly sinks: readonly EventSink[];
  /** Attribute `source` of events. */
  readonly source: string;
  /** Into queue `events`. */
  readonly send: SendText;
}

/**
 * Puts one message per sink that wants the event into queue `events`. Without sinks nothing is built or sent. A repeat
 * sends the same event again, which receivers know by its id.
 */
export function createAnnounceEvent({ sinks, source, send }: AnnounceEventDeps) {
  const announce = async (event: CloudEvent | undefined): Promise<void> => {
    if (event === undefined) return;
    for (const sink of sinks) if (wants(sink, event.type)) await send(firstMessage(sink.name, event));
  };
  const announceImport: AfterEnd = async (record) => {
    if (sinks.length > 0) await announce(importEvent(record, source));
  };
  /** The counts are read only where a sink is to be told of them. */
  const announcePromotion = async (
    promotion: PromotionRecord,
    readCounts: () => Promise<ItemCounts>,
  ): Promise<void> => {
    if (sinks.some((sink) => wants(sink, promotionEventType)))
      await announce(promotionEvent(promotion, await readCounts(), source));
  };
  return { announceImport, announcePromotion };
}

function wants({ types }: EventSink, type: EventType): boolean {
  return types === undefined || types.includes(type);
}

/** The message that begins the delivery of an event. */
export function firstMessage(sink: string, event: DeliveryMessage["event"]): string {
  return formatDelivery({ v: 1, sink, attempt: 1, event });
}

export function formatDelivery(message: DeliveryMessage): string {
  return formatQueueText(message);
}
