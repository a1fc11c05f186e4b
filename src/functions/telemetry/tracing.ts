import { z } from "zod";
import type { ImportAttempt } from "../../domain/accept.ts";
import type { Parts } from "../../store/parts.ts";
import type { StartImport } from "../start-import.ts";
import { stepInputSchema } from "../steps.ts";
import type { OnImportMessage } from "../triggers/on-import-message.ts";
import type { Telemetry } from "./telemetry.ts";

/*
 * Telemetry put around what the composition root has made: none of it knows that it is watched.
 */

const attemptSchema = stepInputSchema.pick({ importId: true, attempt: true }).loose();

/** An activity as a step of its import. What has no import in its input runs all the same, for its own error. */
export function tracing<T>(
  { step }: Pick<Telemetry, "step">,
  name: string,
  handler: (raw: unknown) => Promise<T>,
): (raw: unknown) => Promise<T> {
  return (raw) => {
    const attempt = attemptSchema.safeParse(raw);
    return attempt.success ? step(attempt.data, name, () => handler(raw)) : handler(raw);
  };
}

/** What a trigger does for an import, as the first step of its trace. */
export function accepting({ step }: Pick<Telemetry, "step">, startImport: StartImport): StartImport {
  return {
    ...startImport,
    accept: (request, durable) => {
      const attempt: ImportAttempt = { importId: request.id, attempt: 1 };
      return step(attempt, "accept", () => startImport.accept(request, durable));
    },
  };
}

/** Measures blobs when they are said to be done. */
export function measuring({ meters }: Pick<Telemetry, "meters">, parts: Parts): Parts {
  return {
    ...parts,
    markDone: async (importId, results, finishedUnit) => {
      await parts.markDone(importId, results, finishedUnit);
      for (const result of results) if (result.kind === "blob") meters.blob(result);
    },
  };
}

const metadataSchema = z.object({ insertionTime: z.coerce.date() });

/** Measures how long a message waited, each time that it is delivered. */
export function measuringQueue(
  { meters }: Pick<Telemetry, "meters">,
  onMessage: OnImportMessage,
  now: () => Date,
): OnImportMessage {
  return (message, metadata, durable) => {
    const inserted = metadataSchema.safeParse(metadata).data?.insertionTime;
    if (inserted !== undefined) meters.queueAge(Math.max(0, now().getTime() - inserted.getTime()) / 1_000);
    return onMessage(message, metadata, durable);
  };
}
