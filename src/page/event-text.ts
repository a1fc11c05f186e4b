import { parseJson } from "../json.ts";

/** An event of a delivery, as somebody has pasted it. */
export interface PastedEvent {
  /** How one tells it from the others: its subject, or what else it is known by. */
  readonly name: string;
  readonly event: object;
}

/** The events of a pasted text: one, or a delivery of Event Grid, which is an array of them. A text: why there are none. */
export function parseEvents(text: string): readonly PastedEvent[] | string {
  const value = parseJson(text);
  const events: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (events.length === 0) return "There is no event in it.";
  const read = events.map(readEvent).filter((event) => event !== undefined);
  return read.length === events.length ? read : "This is no JSON object, nor an array of them.";
}

function readEvent(event: unknown): PastedEvent | undefined {
  if (typeof event !== "object" || event === null || Array.isArray(event)) return undefined;
  const known: Readonly<Record<string, unknown>> = { ...event };
  const name = [known.subject, known.id, known.eventType, known.type].find(
    (text) => typeof text === "string" && text !== "",
  );
  return { name: typeof name === "string" ? name : "without a name", event };
}
