/** `1536` → `1.5 KiB`; three significant digits are enough to see it move. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let at = 0;
  while (value >= 1023.95 && at < units.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${at === 0 ? Math.round(value) : value.toFixed(1)} ${units[at]}`;
}

/** `3725` → `1h 02m`, `65` → `1m 05s`, `4.2` → `4.2s`. */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}m ${twoDigits(whole % 60)}s`;
  return `${Math.floor(minutes / 60)}h ${twoDigits(minutes % 60)}m`;
}

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

/**
 * Text from outside without control characters: a registry's message must not move the cursor or recolour the terminal.
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
