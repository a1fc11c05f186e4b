import type { ColumnValue } from "./table.ts";

/** A string column holds 64 KiB of UTF-16, a binary column 64 KiB: what is longer goes into `name`, `name_1`, … */
const maxTextChars = 32_000;
const maxBytes = 64 * 1024;

type Columns = Readonly<Record<string, ColumnValue>>;

/** Text of any length as columns; no piece ends between the halves of a surrogate pair, which UTF-8 cannot carry. */
export function textColumns(name: string, text: string): Columns {
  const columns: Record<string, string> = {};
  let start = 0;
  for (let at = 0; start < text.length || at === 0; at += 1) {
    let end = Math.min(start + maxTextChars, text.length);
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end -= 1;
    columns[columnName(name, at)] = text.slice(start, end);
    start = end;
  }
  return columns;
}

/** What {@link textColumns} wrote, or undefined when the row has none of it. */
export function readText(row: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const pieces: string[] = [];
  for (let piece = row[name]; typeof piece === "string"; piece = row[columnName(name, pieces.length)])
    pieces.push(piece);
  return pieces.length === 0 ? undefined : pieces.join("");
}

/** Bytes of any length as columns. */
export function bytesColumns(name: string, bytes: Uint8Array): Columns {
  const columns: Record<string, Uint8Array> = {};
  for (let at = 0; at * maxBytes < bytes.byteLength || at === 0; at += 1)
    columns[columnName(name, at)] = bytes.subarray(at * maxBytes, (at + 1) * maxBytes);
  return columns;
}

/** What {@link bytesColumns} wrote, or undefined when the row has none of it. */
export function readBytes(row: Readonly<Record<string, unknown>>, name: string): Uint8Array | undefined {
  const pieces: Uint8Array[] = [];
  for (let piece = row[name]; piece instanceof Uint8Array; piece = row[columnName(name, pieces.length)])
    pieces.push(piece);
  return pieces.length === 0 ? undefined : Buffer.concat(pieces);
}

function columnName(name: string, at: number): string {
  return at === 0 ? name : `${name}_${at}`;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
