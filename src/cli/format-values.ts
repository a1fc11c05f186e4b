import { printable } from "../printable.ts";

/** A bar of `width` characters; a fraction outside 0…1 is cut. */
export function formatBar(fraction: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return `${"━".repeat(full)}${"─".repeat(width - full)}`;
}

/** `text` in at most `columns` characters, the last one `…` if something was cut. */
export function cut(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
}

/** Lines from outside for a terminal of `columns`: none wraps, and none moves its cursor. */
export function fitLines(lines: readonly string[], columns: number): string[] {
  return lines.map((line) => cut(printable(line), Math.max(1, columns - 1))); // the last column would wrap on some terminals
}

/** Rows as left-aligned columns, two spaces apart; the last column is not padded. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return rows
    .map((row) => row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0))).join("  "))
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

/** `1 blob`, `2 blobs`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
