import { createHash } from "node:crypto";
import { z } from "zod";

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // Crockford base32: no I, L, O, U
const timeChars = 10;
const restChars = 16;
const maxTime = 2 ** (5 * timeChars) - 1;

export const importIdSchema = z
  .string()
  .regex(/^[0-9A-HJKMNP-TV-Z]{26}$/, "not an import id")
  .brand<"ImportId">();
/** 10 characters of inverted milliseconds + 16 of hash or random: ids sort newest first as text. */
export type ImportId = z.infer<typeof importIdSchema>;

/**
 * The id of the import that `seed` caused at `causedAt`: the time of the cause (request, message insertion, event),
 * never "now" of a repeat, so that a repeat finds the same import. `seed` is random bytes or text to be hashed.
 */
export function createImportId(causedAt: Date, seed: Uint8Array | string): ImportId {
  const bytes = createHash("sha256").update(seed).digest();
  let rest = "";
  for (let at = 0; at < restChars; at += 1) rest += alphabet[(bytes[at] ?? 0) & 31];
  return importIdSchema.parse(encodeTime(maxTime - causedAt.getTime()) + rest);
}

function encodeTime(value: number): string {
  let rest = value;
  let text = "";
  for (let at = 0; at < timeChars; at += 1) {
    text = `${alphabet[rest % 32]}${text}`;
    rest = Math.floor(rest / 32);
  }
  return text;
}
