import { z } from "zod";
import { importIdSchema } from "../../domain/import-id.ts";
import { type MessageFacts, messageImportId, readMessageFacts } from "../../domain/message-facts.ts";
import { poisonedText, poisonMessageSchema } from "../../domain/poison-message.ts";
import { parseMessageJson, withoutPasswords } from "../../domain/without-passwords.ts";
import { ImportError, toImportError } from "../../errors.ts";
import type { Poison, PoisonEntry } from "../../store/poison.ts";
import type { Queue } from "../../store/queues.ts";
import type { BoundedWork } from "../housekeeping/within-budget.ts";
import type { Log } from "../log.ts";
import { maxDeliveries, messageText } from "./on-import-message.ts";

export interface OnPoisonMessageDeps {
  readonly table: Pick<Poison, "upsert">;
  /** Queue `imports-poison`. */
  readonly queue: Pick<Queue, "send">;
  readonly log: Log;
  readonly now: () => Date;
}

const storeAgainSeconds = 300;

/**
 * Queue `imports-poison`: moves each message to table `Poison`, whatever it holds. While the table cannot be written the
 * host delivers it again; at the last delivery it goes back to the end of the queue, so that the host never makes a
 * poison queue of a poison queue.
 */
export function createOnPoisonMessage(deps: OnPoisonMessageDeps) {
  return async (message: unknown, metadata: unknown): Promise<void> => {
    const facts = readMessageFacts(metadata, message);
    const entry = readEntry(deps, message, facts);
    try {
      await store(deps, entry);
    } catch (thrown) {
      const error = toImportError(thrown);
      if (facts.dequeueCount !== undefined && facts.dequeueCount < maxDeliveries) throw error;
      await deps.queue.send(messageText(message), { visibilitySeconds: storeAgainSeconds });
      deps.log("poison-postponed", { id: entry.id, code: error.code });
    }
  };
}

/**
 * Moves what lies in `imports-poison-poison` to table `Poison`: messages that the Functions library itself cannot take,
 * such as JSON nested some thousand deep, so that no handler ever sees them. How many it were.
 */
export function createDrainPoison(
  deps: Pick<OnPoisonMessageDeps, "table" | "log" | "now">,
  queue: Pick<Queue, "drain">,
): BoundedWork {
  return (isOver) =>
    queue.drain(async ({ id: messageId, text, insertedAt }) => {
      await store(deps, readEntry(deps, parseMessageJson(text) ?? text, { messageId, insertedAt }));
    }, isOver);
}

async function store({ table, log }: Pick<OnPoisonMessageDeps, "table" | "log">, entry: PoisonEntry): Promise<void> {
  try {
    await table.upsert(entry);
  } catch (thrown) {
    if (toImportError(thrown).code === "STORAGE_UNAVAILABLE") throw thrown;
    // Storage does not take this body and never will: that it was there is worth a row.
    log("poison-body-dropped", { id: entry.id, error: String(thrown) });
    await table.upsert({ ...entry, body: "", isCut: true });
  }
  log("poison-stored", { id: entry.id, code: entry.reason.code });
}

const namesImportSchema = z.looseObject({ importId: importIdSchema });

/** What Drayage gave up says itself why; what the host moved is as it was sent. */
function readEntry({ now }: Pick<OnPoisonMessageDeps, "now">, message: unknown, facts: MessageFacts): PoisonEntry {
  const createdAt = now().toISOString();
  const own = poisonMessageSchema.safeParse(message);
  if (own.success) {
    const { poison } = own.data;
    const { id, reason, dequeueCount, isCut = false } = poison;
    return { id, importId: id, createdAt, body: withoutPasswords(poisonedText(poison)), isCut, reason, dequeueCount };
  }
  const text = messageText(message);
  const named = namesImportSchema.safeParse(message).data?.importId;
  return {
    id: named ?? messageImportId(facts, text, now()),
    createdAt,
    body: withoutPasswords(text),
    isCut: false,
    reason: movedByHost.toWire(),
    dequeueCount: maxDeliveries,
    ...(named && { importId: named }),
  };
}

const movedByHost = new ImportError({
  code: "INTERNAL",
  what: `the host gave the message up after ${maxDeliveries} deliveries`,
  hint: "the log of the service says what went wrong; requeue it when that is mended",
  retryable: true,
});
