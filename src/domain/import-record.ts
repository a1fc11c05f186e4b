import { z } from "zod";
import { digestSchema } from "../digest.ts";
import { errorCodes, keptCodeSchema, keptErrorSchema } from "../errors.ts";
import { importIdSchema } from "./import-id.ts";
import { progressSchema } from "./import-plan.ts";
import { importSpecSchema } from "./import-spec.ts";

export const importStates = [
  "Accepted",
  "Resolving",
  "Copying",
  "Publishing",
  "Verifying",
  "Succeeded",
  "Skipped",
  "Failed",
  "Cancelled",
] as const;
export const importStateSchema = z.enum(importStates);
export type ImportState = z.infer<typeof importStateSchema>;

export const triggerSchema = z.strictObject({
  kind: z.enum(["http", "queue", "eventGrid", "webhook", "schedule", "promotion", "arm"]),
  ref: z.string().max(200).optional(),
});
export type Trigger = Readonly<z.infer<typeof triggerSchema>>;

/** Whether a registry told of a push, which may be the echo of an import's own. */
export function isPush(kind: Trigger["kind"]): boolean {
  return kind === "eventGrid" || kind === "webhook";
}

/** `attempt`: that of the promotion in which the import's own attempt was begun. */
const promotionItemRefSchema = z.strictObject({
  id: importIdSchema,
  item: z.string().max(64),
  attempt: z.int().min(1).default(1),
});
export type PromotionItemRef = Readonly<z.infer<typeof promotionItemRefSchema>>;

const isoTimeSchema = z.iso.datetime();

export const waitingSchema = z
  .strictObject({
    until: isoTimeSchema.describe("When it is tried again; in the past: being tried."),
    code: z.enum(errorCodes),
    message: z.string(),
  })
  .meta({ id: "Waiting" });

/** An import that ACR's own import carries out. */
const delegationSchema = z.strictObject({
  reason: z.enum(["requested", "networkRestricted"]),
  /** How often ACR was asked to begin; counted before it is asked. */
  starts: z.int().min(0),
  /** URL of the operation that runs, sealed. Absent: none does, or ACR's answer was lost. */
  operation: z.string().optional(),
});
export type Delegation = Readonly<z.infer<typeof delegationSchema>>;

/** An import as table `Imports` holds it. What the API answers is made of it by `formatImport` (import-view.ts). */
export const importRecordSchema = z.strictObject({
  v: z.literal(1),
  id: importIdSchema,
  state: importStateSchema,
  trigger: triggerSchema,
  /** The promotion that it is an item of, and the item's key. */
  promotion: promotionItemRefSchema.optional(),
  spec: importSpecSchema,
  /** What began it could not be read: it has failed, and `spec` only stands in. */
  isUnreadable: z.literal(true).optional(),
  /** The request brought credentials for the source: they are in `Secrets` until the attempt ends. */
  hasCredentials: z.boolean(),
  /** Row that they are in; absent: that of the first attempt. `secretRowOf` reads both. */
  secretName: z.string().optional(),
  /** From 1; the orchestration instance is `{id}-{attempt}`. */
  attempt: z.int().min(1),
  createdAt: isoTimeSchema,
  /** End of `timeoutSeconds` of this attempt. */
  deadlineAt: isoTimeSchema,
  startedAt: isoTimeSchema.optional(),
  /** When the attempt came to the state of that name. */
  copyingAt: isoTimeSchema.optional(),
  verifyingAt: isoTimeSchema.optional(),
  publishingAt: isoTimeSchema.optional(),
  finishedAt: isoTimeSchema.optional(),
  /** The attempt before this one stood still, and this one was begun in its place. */
  replacedAt: isoTimeSchema.optional(),
  cancelRequestedAt: isoTimeSchema.optional(),
  /** The first permanent failure of a unit: the others stop. */
  stopRequestedAt: isoTimeSchema.optional(),
  source: z.strictObject({ digest: digestSchema, mediaType: z.string() }).optional(),
  targetDigest: digestSchema.optional(),
  /** What an earlier attempt may have put its tags to: a tag that holds it is this import's own. */
  taggedDigest: digestSchema.optional(),
  delegation: delegationSchema.optional(),
  /** Totals from resolve on; at the end the final counts. */
  progress: progressSchema.optional(),
  error: keptErrorSchema.optional(),
  /** Why nothing moves: a registry or storage asks to be left alone, or cannot be reached. */
  waiting: z.object({ ...waitingSchema.shape, code: keptCodeSchema }).optional(),
  warnings: z.array(z.string()),
});
export type ImportRecord = Readonly<z.infer<typeof importRecordSchema>>;

const successors: Readonly<Record<ImportState, readonly ImportState[]>> = {
  Accepted: ["Resolving", "Copying", "Publishing", "Skipped", "Failed", "Cancelled"],
  Resolving: ["Resolving", "Copying", "Publishing", "Verifying", "Skipped", "Failed", "Cancelled"],
  Copying: ["Copying", "Verifying", "Publishing", "Skipped", "Failed", "Cancelled"],
  Verifying: ["Verifying", "Publishing", "Skipped", "Failed", "Cancelled"],
  Publishing: ["Publishing", "Succeeded", "Skipped", "Failed"],
  Succeeded: [],
  Skipped: [],
  Failed: ["Accepted"],
  Cancelled: ["Accepted"],
};

export function mayMove(from: ImportState, to: ImportState): boolean {
  return successors[from].includes(to);
}

export function hasEnded(state: ImportState): boolean {
  return state === "Succeeded" || state === "Skipped" || state === "Failed" || state === "Cancelled";
}

/** Whether an attempt goes on: no later one has begun, and it has not ended. */
export function isCurrent(record: Pick<ImportRecord, "attempt" | "state">, attempt: number): boolean {
  return record.attempt === attempt && !hasEnded(record.state);
}

/** Whether what runs for an import shall stop: it was cancelled, or a part of it has failed for good. */
export function isStopped(record: Pick<ImportRecord, "cancelRequestedAt" | "stopRequestedAt">): boolean {
  return record.cancelRequestedAt !== undefined || record.stopRequestedAt !== undefined;
}
