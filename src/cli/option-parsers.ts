import { InvalidArgumentError } from "commander";

/** `90`, `90s`, `15m`, `2h`, `7d` in seconds, for commander. */
export function parseSeconds(text: string): number {
  const [, digits, unit = "s"] = /^(\d{1,9})([smhd]?)$/.exec(text) ?? [];
  const seconds = Number(digits) * (secondsOf[unit || "s"] ?? Number.NaN);
  if (!Number.isSafeInteger(seconds) || seconds < 1) throw new InvalidArgumentError("Seconds, or e.g. 15m, 2h, 7d.");
  return seconds;
}

/** A whole number from 1, for commander. */
export function parseCount(text: string): number {
  const count = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError("A number from 1.");
  return count;
}

/** Collects the values of an option that may be repeated, for commander. */
export function collect(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}

/** Like {@link collect}, and each value may be a list with commas. */
export function collectList(text: string, before: readonly string[] | undefined): string[] {
  const values = text.split(",").map((value) => value.trim());
  return [...(before ?? []), ...values.filter((value) => value !== "")];
}

/** A time (ISO 8601) or how long ago it was (`2h`, `7d`), as ISO time in UTC; for commander. */
export function createParseTime(now: () => number) {
  return (text: string): string => {
    if (/^\d{1,9}[smhd]$/.test(text)) return new Date(now() - parseSeconds(text) * 1000).toISOString();
    const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? new Date(text) : new Date(Number.NaN);
    if (Number.isNaN(time.getTime()))
      throw new InvalidArgumentError("A time like 2026-01-31T08:00:00Z, or 2h, 7d ago.");
    return time.toISOString();
  };
}

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
