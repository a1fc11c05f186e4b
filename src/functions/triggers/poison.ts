import type { HttpRequest } from "@azure/functions";
import { z } from "zod";
import { type ImportId, importIdSchema } from "../../domain/import-id.ts";
import { hasEnded } from "../../domain/import-record.ts";
import {
  encodeImportMessage,
  encodeItemMessage,
  encodePromotionMessage,
  parseQueueMessage,
  type QueueMessage,
} from "../../domain/queue-message.ts";
import { parseMessageJson } from "../../domain/without-passwords.ts";
import { definedOnly, ImportError, importErrorWireSchema, unreachable } from "../../errors.ts";
import type { Imports } from "../../store/imports.ts";
import type { Poison, PoisonEntry, StoredPoison } from "../../store/poison.ts";
import type { Queue } from "../../store/queues.ts";
import { baseUrlOf } from "../base-url.ts";
import { type HttpHandler, json } from "./http-answer.ts";
import { readQuery } from "./read-query.ts";

const summaryShape = {
  id: importIdSchema.describe("Of the import or promotion, where it is known."),
  createdAt: z.iso.datetime().describe("When the message was given up."),
  reason: importErrorWireSchema,
  importId: importIdSchema.optional().describe("Of the import or promotion that it was to begin."),
  dequeueCount: z.int().describe("How often it was delivered."),
  isCut: z.boolean().describe("The end of the body is missing; it cannot be requeued."),
  links: z.strictObject({ self: z.url(), requeue: z.url(), import: z.url().optional() }),
};

const poisonSummarySchema = z
  .strictObject(summaryShape)
  .meta({ id: "PoisonSummary", description: "A queue message that was given up." });

export const poisonEntrySchema = z
  .strictObject({ ...summaryShape, body: z.string().describe("The message, without passwords.") })
  .meta({ id: "PoisonEntry", description: "A queue message that was given up, with its body." });

export const poisonPageSchema = z
  .strictObject({ messages: z.array(poisonSummarySchema), continuationToken: z.string().optional() })
  .meta({ id: "PoisonPage", description: "Newest cause first." });

export const poisonQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  continuationToken: z.string().max(4_000).optional().describe("From the page before."),
});

export const requeuedSchema = z
  .strictObject({ importId: importIdSchema.describe("Of the import or promotion.") })
  .meta({ id: "Requeued", description: "The message is in the queue again." });

export interface PoisonDeps {
  readonly poison: Poison;
  readonly imports: Pick<Imports, "read">;
  /** Queue `imports`. */
  readonly queue: Pick<Queue, "send">;
}

/** `GET /api/poison`, without bodies. */
export function createListPoison({ poison }: Pick<PoisonDeps, "poison">): HttpHandler {
  return async (request) => {
    const { limit, continuationToken } = readQuery(request, poisonQuerySchema);
    const page = await poison.list(limit, continuationToken);
    const messages = page.entries.map((entry) => summaryOf(entry, request));
    return json(200, { messages, continuationToken: page.continuationToken });
  };
}

/** `GET /api/poison/{id}`. */
export function createGetPoison({ poison }: Pick<PoisonDeps, "poison">): HttpHandler {
  return async (request) => {
    const { entry } = await readEntry(poison, request);
    return json(200, { ...summaryOf(entry, request), body: entry.body });
  };
}

/** `DELETE /api/poison/{id}`. */
export function createDeletePoison({ poison }: Pick<PoisonDeps, "poison">): HttpHandler {
  return async (request) => {
    const { entry } = await readEntry(poison, request);
    await poison.delete(entry.id);
    return { status: 204 };
  };
}

/**
 * `POST /api/poison/{id}/requeue`: the message once more, as the same import or promotion. Who asks for it has mended the
 * cause: an import that failed meanwhile begins another attempt, which the message says, so that sending it twice begins
 * one. The row goes last, and only as it was read: the message may already have been given up again.
 */
export function createRequeuePoison({ poison, imports, queue }: PoisonDeps): HttpHandler {
  return async (request) => {
    const { entry, etag } = await readEntry(poison, request);
    if (entry.isCut) throw cut(entry.id);
    const message = parseQueueMessage(parseMessageJson(entry.body));
    const importId = idOf(message) ?? entry.id;
    await queue.send(await encodeAnew(message, importId, imports));
    await poison.delete(entry.id, etag);
    return json(202, { importId });
  };
}

async function encodeAnew(message: QueueMessage, importId: ImportId, imports: PoisonDeps["imports"]): Promise<string> {
  switch (message.kind) {
    case "import": {
      const record = (await imports.read(importId))?.record;
      const attempt = record !== undefined && hasEnded(record.state) ? record.attempt + 1 : message.attempt;
      return encodeImportMessage({ import: message.import, importId, ...definedOnly({ attempt }) });
    }
    case "promotion":
      return encodePromotionMessage(message.promotion, importId);
    case "item":
      return encodeItemMessage(message.item, message.importId);
    default:
      return unreachable(message);
  }
}

function idOf(message: QueueMessage): ImportId | undefined {
  return message.kind === "promotion" ? message.promotionId : message.importId;
}

async function readEntry(poison: Poison, request: HttpRequest): Promise<StoredPoison> {
  const id = request.params.id ?? "";
  const parsed = importIdSchema.safeParse(id.toUpperCase());
  const stored = parsed.success ? await poison.read(parsed.data) : undefined;
  if (stored !== undefined) return stored;
  throw new ImportError({ code: "POISON_NOT_FOUND", what: `there is no given-up message ${id.slice(0, 40)}` });
}

function summaryOf({ body: _, ...entry }: PoisonEntry, request: HttpRequest) {
  const base = baseUrlOf(request);
  const self = `${base}/api/poison/${entry.id}`;
  const imported = entry.importId === undefined ? {} : { import: `${base}/api/imports/${entry.importId}` };
  return { ...entry, links: { self, requeue: `${self}/requeue`, ...imported } };
}

function cut(id: ImportId): ImportError {
  return new ImportError({
    ...{ code: "IMPORT_STATE_CONFLICT", what: `the end of message ${id} is missing: it did not fit` },
    hint: "send the whole message anew, with this id as importId, and delete this one",
  });
}
