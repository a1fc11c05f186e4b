import type { ImportId } from "../../domain/import-id.ts";
import type { Trigger } from "../../domain/import-record.ts";
import type { PromotionRecord } from "../../domain/promotion-record.ts";
import type { DurablePort } from "../durable-port.ts";

/** What a queue message says of an item of a promotion: `{"v":1,"item":{promotion, key, attempt},"importId":…}`. */
export interface ItemMessage {
  readonly promotion: ImportId;
  readonly key: string;
  /** The promotion's attempt that queued the item: messages of former attempts are ignored. */
  readonly attempt: number;
  readonly importId: ImportId;
}

/**
 * Starts the import of an item. Resolves also when there is nothing to do any more (a repeat, a cancelled promotion) and
 * when the item cannot be started, which is then its end. Throws only what a redelivery may cure.
 */
export type StartItem = (message: ItemMessage, durable: DurablePort) => Promise<void>;

/** What began a promotion. */
export interface PromotionCause {
  /** Made of the cause, so that a repeat has the same (`createImportId`). */
  readonly id: ImportId;
  readonly trigger: Trigger;
  /** Time of the request, message or tick. */
  readonly causedAt: Date;
  /** Its name: only what has changed becomes an item, and the default of `conflict` is overwrite. */
  readonly schedule?: string;
}

export interface StartedPromotion {
  readonly record: PromotionRecord;
  /** False: the cause came before, and this is the promotion it began. */
  readonly isNew: boolean;
}

/** Checks a request (the body of `POST /api/promotions`), makes it durable and starts it. Throws INVALID_REQUEST and the like. */
export type StartPromotion = (
  request: unknown,
  cause: PromotionCause,
  durable: DurablePort,
) => Promise<StartedPromotion>;

/** Puts items into the queue of imports. */
export type EnqueueItems = (messages: readonly ItemMessage[]) => Promise<void>;
