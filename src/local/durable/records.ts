import { z } from "zod";

const messageSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.enum(["taskCompleted", "subCompleted"]), ref: z.int(), result: z.string().nullable() }),
  z.object({ kind: z.enum(["taskFailed", "subFailed"]), ref: z.int(), reason: z.string(), details: z.string() }),
  z.object({ kind: z.literal("timerFired"), ref: z.int(), fireAt: z.string() }),
  z.object({ kind: z.literal("eventRaised"), name: z.string(), input: z.string().nullable() }),
  z.object({ kind: z.literal("executionTerminated"), reason: z.string() }),
  z.object({ kind: z.enum(["suspended", "resumed"]), reason: z.string().nullable() }),
]);

const taskSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("activity"), id: z.int(), name: z.string(), input: z.string().nullable() }),
  z.object({
    kind: z.literal("sub"),
    id: z.int(),
    name: z.string(),
    instanceId: z.string(),
    version: z.string().nullable(),
    input: z.string().nullable(),
  }),
  z.object({ kind: z.literal("timer"), id: z.int(), fireAt: z.string() }),
]);

const endSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("completed"), output: z.string().nullable(), eventId: z.int() }),
  z.object({ kind: z.literal("failed"), error: z.string(), details: z.string(), eventId: z.int() }),
  z.object({ kind: z.literal("terminated"), reason: z.string(), eventId: z.int() }),
  z.object({ kind: z.literal("continued"), input: z.string().nullable() }),
]);

const parentSchema = z.object({
  instanceId: z.string(),
  executionId: z.string(),
  name: z.string(),
  version: z.string().nullable(),
  taskId: z.int(),
});

const startSchema = z.object({
  kind: z.literal("start"),
  atMs: z.number(),
  id: z.string(),
  executionId: z.string(),
  name: z.string(),
  version: z.string().nullable(),
  input: z.string().nullable(),
});

const eventSchema = z.object({
  kind: z.literal("message"),
  atMs: z.number(),
  id: z.string(),
  /** Execution that the message answers; null: whichever runs (client calls). */
  executionId: z.string().nullable(),
  message: messageSchema,
});

const episodeSchema = z.object({
  kind: z.literal("episode"),
  atMs: z.number(),
  id: z.string(),
  /** How many messages of the inbox it processed. */
  taken: z.int(),
  tasks: z.array(taskSchema),
  cancelled: z.array(z.int()),
  /** JSON text; null clears it, undefined keeps it. */
  customStatus: z.string().nullable().optional(),
  end: endSchema.optional(),
});

/** An instance as a whole: what compaction writes instead of all that happened to it. */
const snapshotSchema = z.object({
  kind: z.literal("snapshot"),
  id: z.string(),
  executionId: z.string(),
  name: z.string(),
  version: z.string().nullable(),
  generation: z.int().nullable(),
  parent: parentSchema.optional(),
  input: z.string().nullable(),
  output: z.string().nullable(),
  customStatus: z.string().nullable(),
  status: z.enum(["Pending", "Running", "Completed", "Failed", "Terminated", "Suspended"]),
  suspendReason: z.string().nullable(),
  createdAtMs: z.number(),
  updatedAtMs: z.number(),
  /** Texts of the history's events, joined by commas. */
  history: z.string(),
  inbox: z.array(z.string()),
  open: z.array(taskSchema),
  isNewGeneration: z.boolean(),
});

/** One line of the journal: something that happened. State is what these lines, applied in order, come to. */
export const recordSchema = z.discriminatedUnion("kind", [
  startSchema,
  eventSchema,
  episodeSchema,
  z.object({ kind: z.literal("rewind"), atMs: z.number(), id: z.string(), reason: z.string() }),
  z.object({ kind: z.literal("purge"), id: z.string() }),
  snapshotSchema,
]);
export type JournalRecord = z.infer<typeof recordSchema>;
export type StartRecord = z.infer<typeof startSchema>;
export type MessageRecord = z.infer<typeof eventSchema>;
export type EpisodeRecord = z.infer<typeof episodeSchema>;
export type EpisodeEnd = z.infer<typeof endSchema>;
export type SnapshotRecord = z.infer<typeof snapshotSchema>;
export type RuntimeStatus = SnapshotRecord["status"];
