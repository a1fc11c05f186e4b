import { type ImportErrorWire, scrub } from "../errors.ts";

/*
 * Error, warnings and upstream of a record together stay below 8,000 characters: a table row holds 32 Ki characters
 * per property, and what is longer helps nobody.
 */
export const maxWarningsChars = 3_500;
export const maxErrorChars = 4_500;
const maxWarningChars = 500;

/** Warnings in the order they came up, each once, scrubbed; what does not fit is counted in the last one. */
export function addWarnings(known: readonly string[], added: readonly string[]): string[] {
  const all = [...new Set([...known, ...added.map((warning) => scrub(warning).slice(0, maxWarningChars))])];
  const fits: string[] = [];
  let chars = 0;
  for (const warning of all) {
    if (chars + warning.length > maxWarningsChars - overflowChars) break;
    chars += warning.length;
    fits.push(warning);
  }
  return fits.length === all.length ? fits : [...fits, `and ${all.length - fits.length} more`];
}

const overflowChars = 30;

/** An error as it fits into a record: fewer upstream errors, if need be none. */
export function fitError(error: ImportErrorWire): ImportErrorWire {
  const upstream = [...(error.upstream ?? [])];
  const { upstream: _, ...rest } = error;
  while (upstream.length > 0) {
    const fitted = { ...rest, upstream };
    if (JSON.stringify(fitted).length <= maxErrorChars) return fitted;
    upstream.pop();
  }
  return rest;
}
