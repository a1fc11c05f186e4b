import { readdirSync, readFileSync } from "node:fs";
import { z } from "zod";

const eventSchema = z.looseObject({ EventType: z.int(), IsPlayed: z.boolean() });

const retrySchema = z.looseObject({ maxNumberOfAttempts: z.int() });
const leafSchema = z.looseObject({
  actionType: z.int(),
  functionName: z.string().optional(),
  instanceId: z.string().optional(),
  input: z.unknown().optional(),
  isCanceled: z.boolean().optional(),
  externalEventName: z.string().optional(),
  retryOptions: retrySchema.optional(),
});
const actionSchema = leafSchema.extend({ compoundActions: z.array(leafSchema).optional() });
export type Action = z.infer<typeof actionSchema>;

/** What an orchestrator answers to one episode. */
export const stateSchema = z.looseObject({
  isDone: z.boolean(),
  actions: z.tuple([z.array(actionSchema)]),
  output: z.unknown().optional(),
});
export type State = z.infer<typeof stateSchema>;

/** The episodes of one execution: each was given the first `events` of the history. */
const generationSchema = z.strictObject({
  payload: z.looseObject({ history: z.array(eventSchema), input: z.looseObject({}), instanceId: z.string() }),
  episodes: z.array(z.strictObject({ events: z.int(), state: stateSchema })).min(1),
});
export type Generation = z.infer<typeof generationSchema>;

const recordingSchema = z.strictObject({ orchestrator: z.string(), generations: z.array(generationSchema).min(1) });
export type Recording = z.infer<typeof recordingSchema> & { readonly name: string };

/** The recordings of one orchestrator at one version: `import-image.v1`. Made by `npm run record:histories`. */
export function readRecordings(folder: string): readonly Recording[] {
  const directory = new URL(`../histories/${folder}/`, import.meta.url);
  return readdirSync(directory).map((file) => {
    const recording = recordingSchema.parse(JSON.parse(readFileSync(new URL(file, directory), "utf8")));
    return { name: file.replace(/\.json$/, ""), ...recording };
  });
}

/** What the orchestrator was given at an episode: the history so far, the news of this episode not yet played. */
export function payloadAt({ payload, episodes }: Generation, episode: number): unknown {
  const events = episodes[episode]?.events ?? 0;
  const played = episodes[episode - 1]?.events ?? 0;
  const history = payload.history.slice(0, events).map((event, at) => ({ ...event, IsPlayed: at < played }));
  return { ...payload, history, isReplaying: episode > 0 };
}

/** The last answer of an execution: all that it has called. */
export function lastState({ episodes }: Generation): State {
  const last = episodes.at(-1);
  if (last === undefined) throw new Error("a recording has at least one episode");
  return last.state;
}
