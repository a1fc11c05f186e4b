import { createHash } from "node:crypto";
import { z } from "zod";
import { createImportId, type ImportId } from "./import-id.ts";

/** What the host knows of a queue message; absent where the message's own properties hide it. */
export interface MessageFacts {
  readonly messageId?: string;
  readonly insertedAt?: Date;
  readonly dequeueCount?: number;
}

const metadataSchema = z.object({
  id: z.string().min(1).optional().catch(undefined),
  insertionTime: z.coerce.date().optional().catch(undefined),
  dequeueCount: z.coerce.number().int().min(1).optional().catch(undefined),
});

/**
 * The facts that can be trusted. Top-level properties of a JSON message are trigger metadata too and replace the host's
 * own, whatever the case of their letters: `{"id":"2"}` would choose its own message id.
 * Source: azure-functions-host, Utility.ApplyBindingData.
 */
export function readMessageFacts(metadata: unknown, message: unknown): MessageFacts {
  const { id, insertionTime, dequeueCount } = metadataSchema.catch({}).parse(metadata);
  const names = typeof message === "object" && message !== null ? Object.keys(message) : [];
  const own = new Set(names.map((name) => name.toLowerCase()));
  return {
    ...(id !== undefined && !own.has("id") && { messageId: id }),
    ...(insertionTime !== undefined && !own.has("insertiontime") && { insertedAt: insertionTime }),
    ...(dequeueCount !== undefined && !own.has("dequeuecount") && { dequeueCount }),
  };
}

/** The time of a message: where it hides its own, the day on which it came, so that a redelivery has the same. */
export function messageTime({ insertedAt }: MessageFacts, now: Date): Date {
  return insertedAt ?? new Date(Math.floor(now.getTime() / dayMs) * dayMs);
}

/** The id of what a message causes: of its own id where that can be trusted, else of its text. */
export function messageImportId(facts: MessageFacts, text: string, now: Date): ImportId {
  const { messageId } = facts;
  const seed = messageId === undefined ? createHash("sha256").update(text).digest() : `message ${messageId}`;
  return createImportId(messageTime(facts, now), seed);
}

const dayMs = 86_400_000;
