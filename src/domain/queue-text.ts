/** A queue message of Azure Storage holds 64 KiB, and so does an event that everybody on its way must pass on (CloudEvents 1.0, "Size limits"). */
export const maxQueueTextBytes = 64 * 1024;

/**
 * `value` as JSON for a queue message. Messages travel in XML, which cannot carry U+FFFE and U+FFFF; JSON escapes the
 * other characters of that kind by itself.
 */
export function formatQueueText(value: unknown): string {
  return JSON.stringify(value).replace(/[\ufffe\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`);
}

/** What `text` takes in a message: UTF-8, each character that XML has its own word for at the length of that word. */
export function queueTextBytes(text: string): number {
  const escaped = text.match(/[&<>"']/g)?.length ?? 0;
  return Buffer.byteLength(text) + escaped * ("&quot;".length - 1);
}
