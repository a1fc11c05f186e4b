import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const eventSchema = z.looseObject({ EventType: z.int(), EventId: z.int(), IsPlayed: z.boolean() });
export type RecordedEvent = z.infer<typeof eventSchema>;

const payloadSchema = z.looseObject({ history: z.array(eventSchema) });
export type Payload = z.infer<typeof payloadSchema>;

const answerSchema = z.union([z.object({ returned: z.unknown() }), z.object({ thrown: z.unknown() })]);
export type Answer = z.infer<typeof answerSchema>;

/** The episodes of one execution: the last payload holds the history of all, the answers are one per episode. */
const generationSchema = z.object({ payload: payloadSchema, answers: z.array(answerSchema) });
export type Generation = z.infer<typeof generationSchema>;

const recordingSchema = z.object({
  generations: z.array(generationSchema),
  status: z.record(z.string(), z.unknown()),
});
export type Recording = z.infer<typeof recordingSchema>;

/** What the genuine host did with one instance of golden/app.cjs. */
export function readRecording(name: string): Recording {
  const path = fileURLToPath(new URL(`../golden/${name}.json`, import.meta.url));
  return recordingSchema.parse(JSON.parse(readFileSync(path, "utf8")));
}

const orchestratorStarted = 12;
const orchestratorCompleted = 13;

/** The history without the marks of its episodes: where one ends is a matter of polling. */
export function withoutEpisodes(payload: Payload): RecordedEvent[] {
  return payload.history.filter(
    ({ EventType }) => EventType !== orchestratorStarted && EventType !== orchestratorCompleted,
  );
}

/** Type, ids, names and results of events; times, execution ids and stacks are blanked, IsPlayed is left out. */
export function comparable(events: readonly RecordedEvent[]): unknown {
  return blank(events.map(({ IsPlayed: _isPlayed, ...event }) => event));
}

const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
const executionId = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}/g;

/** Blanks what differs from run to run. */
export function blank(value: unknown): unknown {
  if (typeof value === "string") return blankText(value);
  if (Array.isArray(value)) return value.map(blank);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      key,
      key === "Timestamp" || key === "FireAt" ? "<time>" : blank(field),
    ]),
  );
}

function blankText(text: string): string {
  if (text.startsWith('{"$type"')) return blankDetails(text);
  return text
    .replace(time, "<time>")
    .replace(executionId, "<execution>")
    .replace(/ \n \{"\$type":"System\.Exception.*/s, " \n <details>")
    .replace(/StackTrace: .*/s, "StackTrace: <stack>");
}

/** `Details` of a failed activity: everything but the stacks. */
function blankDetails(text: string): string {
  return text
    .replace(/("(?:Remote)?StackTrace":)"(?:[^"\\]|\\.)*"/g, '$1"<stack>"')
    .replace(/Stack: (?:[^"\\]|\\.)*"/g, 'Stack: <stack>"');
}
