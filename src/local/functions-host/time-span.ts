import { z } from "zod";

const timeSpanPattern = /^(-)?(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?$/;

/** Milliseconds of a .NET TimeSpan, `[d.]hh:mm[:ss[.fffffff]]`, or undefined when `text` is none. */
export function parseTimeSpan(text: string): number | undefined {
  const match = timeSpanPattern.exec(text);
  if (!match) return undefined;
  const [, sign, days = "0", hours = "0", minutes = "0", seconds = "0", fraction = "0"] = match;
  const ms =
    ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60_000 +
    Number(seconds) * 1_000 +
    Number(`0.${fraction}`) * 1_000;
  return sign === "-" ? -ms : ms;
}

/** A TimeSpan of host.json as milliseconds. */
export const timeSpanSchema = z.string().transform((text, context) => {
  const ms = parseTimeSpan(text);
  if (ms !== undefined) return ms;
  context.addIssue({ code: "custom", message: `"${text}" is no time span (hh:mm:ss)` });
  return z.NEVER;
});
