import { z } from "zod";
import { type ImportErrorWire, keptErrorSchema } from "../errors.ts";
import { type ImportId, importIdSchema } from "./import-id.ts";
import { maxMessageBytes } from "./queue-message.ts";
import { parseMessageJson, withoutPasswords } from "./without-passwords.ts";

/** A message that was given up, and why: what Drayage itself sends to `imports-poison`. */
export const poisonMessageSchema = z.strictObject({
  v: z.literal(1),
  poison: z.strictObject({
    /** Of the import or promotion that it was to begin. */
    id: importIdSchema,
    reason: keptErrorSchema,
    dequeueCount: z.int().min(0),
    /** The message without passwords: as JSON where it is JSON, else as a text. */
    message: z.unknown().optional(),
    text: z.string().optional(),
    /** The end of the text is missing: it did not fit. */
    isCut: z.literal(true).optional(),
  }),
});
export type PoisonMessage = Readonly<z.infer<typeof poisonMessageSchema>>["poison"];

export interface GivenUp {
  readonly id: ImportId;
  readonly reason: ImportErrorWire;
  readonly dequeueCount: number;
  /** As it came; passwords are removed here. */
  readonly text: string;
}

/** The message for `imports-poison`; undefined: with its reason it does not fit into a queue message. */
export function encodePoisonMessage({ text, ...rest }: GivenUp): string | undefined {
  const kept = withoutPasswords(text);
  const parsed = parseMessageJson(kept);
  const isObject = typeof parsed === "object" && parsed !== null;
  const encoded = encode({ ...rest, ...(isObject ? { message: parsed } : { text: kept }) });
  return Buffer.byteLength(encoded) <= maxMessageBytes ? encoded : undefined;
}

/** The same with only the beginning of the text, which always fits. */
export function encodeCutPoisonMessage({ text, ...rest }: GivenUp): string {
  const kept = withoutPasswords(text).slice(0, maxCutChars).toWellFormed();
  return encode({ ...rest, text: kept, isCut: true });
}

/** The text that a poison message keeps. */
export function poisonedText({ text, message }: PoisonMessage): string {
  return text ?? JSON.stringify(message) ?? "";
}

const maxCutChars = 8_000; // six bytes each at the worst, as \u escapes

function encode(poison: Omit<PoisonMessage, "message"> & { readonly message?: unknown }): string {
  return JSON.stringify({ v: 1, poison }).replace(/[\ufffe\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`);
}
