import { z } from "zod";
import { hasEnded, type ImportRecord, type ImportState, importStateSchema } from "./import-record.ts";

/** A state that an attempt has come to. */
export const timelineEntrySchema = z.strictObject({
  state: importStateSchema,
  at: z.iso.datetime(),
  seconds: z.number().optional().describe("How long it was in that state; absent of the last one, and where unknown."),
});
export type TimelineEntry = Readonly<z.infer<typeof timelineEntrySchema>>;

/** When the attempt was accepted: the record's `createdAt` is that of the cause, the same for every attempt. */
export function acceptedAt({ deadlineAt, spec }: Pick<ImportRecord, "deadlineAt" | "spec">): Date {
  return new Date(Date.parse(deadlineAt) - spec.timeoutSeconds * 1_000);
}

/** The states of the attempt so far, in their order, with how long each lasted to the millisecond. */
export function timelineOf(record: ImportRecord): readonly TimelineEntry[] {
  const { state, startedAt, copyingAt, verifyingAt, publishingAt, finishedAt } = record;
  const times: readonly (readonly [ImportState, string | undefined])[] = [
    ["Accepted", acceptedAt(record).toISOString()],
    ["Resolving", state === "Accepted" ? undefined : startedAt], // a replaced attempt keeps the start of the one before
    ["Copying", copyingAt],
    ["Verifying", verifyingAt],
    ["Publishing", publishingAt],
    [state, hasEnded(state) ? finishedAt : undefined],
  ];
  const known = times.flatMap(([name, at]) => (at === undefined ? [] : [{ state: name, at }]));
  return known.map((entry, position) => {
    const next = known[position + 1];
    if (next === undefined || (entry.state === "Resolving" && isUntimed(record))) return entry;
    return { ...entry, seconds: Math.max(0, Date.parse(next.at) - Date.parse(entry.at)) / 1_000 };
  });
}

/** A record from before the states' times were kept: what followed Resolving is not known, nor when. */
function isUntimed({ progress, copyingAt }: ImportRecord): boolean {
  return progress !== undefined && copyingAt === undefined;
}
