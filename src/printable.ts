/*
 * Control characters (a terminal obeys them), line and paragraph separators, and the marks, embeddings, overrides and
 * isolates of the bidirectional algorithm (UAX #9, 2): one that is not closed turns around what follows it.
 */
const unprintable = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;

/** Text from outside on one line, with a space for what moves a cursor, recolours a terminal or turns text around. */
export function printable(text: string): string {
  return text.replace(unprintable, " ");
}

/** The same for JSON, whose value stays: such characters are escaped. Line breaks and indentation stay, too. */
export function printableJson(json: string): string {
  return json.replace(unprintable, (found) =>
    [...found].map((one) => (one === "\n" ? one : `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`)).join(""),
  );
}
