import { z } from "zod";
import { type EventSink, parseEventSinks } from "./event-sinks.ts";

/** What the settings say about events out. */
export interface EventSettings {
  readonly sinks: readonly EventSink[];
  /** Attribute `source` of every event. */
  readonly source: string;
  /** Seconds before the second, third, … try of a delivery. */
  readonly retrySeconds: readonly number[];
}

const eventSinksSchema = z
  .string()
  .transform((text, context): readonly EventSink[] => {
    const { sinks, problems } = parseEventSinks(text);
    for (const problem of problems) context.addIssue(problem);
    return sinks;
  })
  .meta({ values: "JSON" });

/** Characters of a URI reference (RFC 3986), as CloudEvents wants it. */
const eventSourceSchema = z
  .string()
  .regex(/^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]{1,200}$/, "expected a URI reference of at most 200 characters");

const maxRetries = 20;
const maxRetrySeconds = 86_400;
const retrySecondsSchema = z
  .string()
  .regex(/^ *[0-9]{1,5} *(, *[0-9]{1,5} *)*$/, "expected whole numbers, parted by commas")
  .transform((text) => text.split(",").map(Number))
  .refine(
    (waits) => waits.length <= maxRetries && waits.every((seconds) => seconds <= maxRetrySeconds),
    `expected at most ${maxRetries} numbers up to ${maxRetrySeconds}`,
  )
  .meta({ values: `up to ${maxRetries} numbers from 0 to ${maxRetrySeconds}` });

/** The settings by name, as text. */
export const eventSettings = {
  EVENT_SINKS: eventSinksSchema.default([]),
  EVENT_SOURCE: eventSourceSchema.default("/drayage"),
  EVENT_RETRY_SECONDS: retrySecondsSchema.default([5, 30, 120, 600, 3_600, 21_600]),
};
