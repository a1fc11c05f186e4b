import { z } from "zod";
import { ImportError } from "../errors.ts";
import { type ImportId, importIdSchema } from "./import-id.ts";
import { importRequestSchema, problemsOf } from "./import-request-schema.ts";
import { promotionIdSchema } from "./promotion-record.ts";
import { type PromotionRequest, promotionRequestSchema } from "./promotion-request-schema.ts";

const v = z.literal(1);

/** The queue service's own limit, for a text that nobody encodes in base64. */
export const maxMessageBytes = 65_536;

/** One import. */
const importMessageSchema = z.strictObject({
  v,
  import: importRequestSchema,
  importId: importIdSchema.optional().describe("Given by the sender: messages with the same id are one import."),
  attempt: z.int().min(1).optional().describe("From 2: begin anew an import that failed or was cancelled before."),
});
export type ImportMessage = Readonly<z.infer<typeof importMessageSchema>>;

/** A promotion to be begun. */
const promotionMessageSchema = z.strictObject({
  v,
  promotion: promotionRequestSchema,
  promotionId: promotionIdSchema.optional(),
});
export type PromotionMessage = Readonly<z.infer<typeof promotionMessageSchema>>;

const queueItemSchema = z.strictObject({
  promotion: promotionIdSchema,
  /** Within the promotion. */
  key: z.string().min(1).max(64),
  attempt: z.int().min(1),
});
export type QueueItem = Readonly<z.infer<typeof queueItemSchema>>;

/** One item of a promotion that runs; what is to be imported stands in the item's row. */
const itemMessageSchema = z.strictObject({ v, item: queueItemSchema, importId: importIdSchema });
export type ItemMessage = Readonly<z.infer<typeof itemMessageSchema>>;

/** What queue `imports` holds. */
export type QueueMessage =
  | ({ readonly kind: "import" } & ImportMessage)
  | ({ readonly kind: "promotion" } & PromotionMessage)
  | ({ readonly kind: "item" } & ItemMessage);

/** A message that begins an import. */
export function encodeImportMessage(message: Omit<ImportMessage, "v">): string {
  return toText({ v: 1, ...message });
}

/** A message that begins a promotion. */
export function encodePromotionMessage(promotion: PromotionRequest, promotionId?: ImportId): string {
  return toText({ v: 1, promotion, ...(promotionId !== undefined && { promotionId }) });
}

/** A message that begins the import of one item of a promotion. */
export function encodeItemMessage(item: QueueItem, importId: ImportId): string {
  return toText({ v: 1, item, importId });
}

/** Reads a parsed message strictly; throws INVALID_REQUEST, which names what is wrong and repeats no value. */
export function parseQueueMessage(value: unknown): QueueMessage {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid("the message is no JSON object", { hint: 'a message looks like {"v":1,"import":{…}}' });
  }
  if (!("v" in value) || value.v !== 1) {
    throw invalid("v: this service knows messages of version 1 only", { property: "v" });
  }
  const kinds = (["import", "promotion", "item"] as const).filter((kind) => kind in value);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    throw invalid("the message must hold one of import, promotion and item");
  }
  switch (kind) {
    case "import":
      return { kind, ...read(importMessageSchema, value) };
    case "promotion":
      return { kind, ...read(promotionMessageSchema, value) };
    default:
      return { kind, ...read(itemMessageSchema, value) };
  }
}

function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(schema, value);
  const what = problems.map(({ property, what }) => (property === "" ? what : `${property}: ${what}`)).join(" · ");
  throw invalid(what, { property: problems[0]?.property ?? "" });
}

/** Queue Storage carries messages as XML, which has no place for these two characters. */
function toText(message: object): string {
  return JSON.stringify(message).replace(/[\ufffe\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`);
}

function invalid(what: string, more: { readonly property?: string; readonly hint?: string } = {}): ImportError {
  const { property, hint } = more;
  return new ImportError({
    ...{ code: "INVALID_REQUEST", stage: "accept", what: `queue message: ${what}` },
    ...(property !== undefined && property !== "" && { property }),
    ...(hint !== undefined && { hint }),
  });
}
