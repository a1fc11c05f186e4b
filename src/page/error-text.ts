import type { ImportErrorWire } from "../errors.ts";

/** What happened, without what to do about it: a message ends with its hint, which stands apart on the page. */
export function withoutHint({ message, hint }: Pick<ImportErrorWire, "message" | "hint">): string {
  const end = `; ${hint}`;
  return hint !== undefined && message.endsWith(end) ? message.slice(0, -end.length) : message;
}
