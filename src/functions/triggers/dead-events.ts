import type { HttpRequest } from "@azure/functions";
import { z } from "zod";
import { ImportError } from "../../errors.ts";
import { type DeadEvent, type DeadEventId, type DeadEvents, deadEventIdSchema } from "../../store/dead-events.ts";
import { firstMessage, type SendText } from "../events/announce-event.ts";
import { type HttpHandler, json } from "./http-answer.ts";
import { readQuery } from "./read-query.ts";

export interface DeadEventsDeps {
  readonly dead: DeadEvents;
  /** Whether a sink of that name is in the settings. */
  readonly hasSink: (name: string) => boolean;
  /** Into queue `events`. */
  readonly send: SendText;
}

export const deadEventsQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  continuationToken: z.string().max(4_000).optional().describe("From the page before."),
});

export const deadEventViewSchema = z
  .strictObject({
    id: deadEventIdSchema.describe("Of the event at this sink; not the event's own id."),
    sink: z.string(),
    reason: z.string().describe("How the last try ended."),
    attempts: z.int(),
    diedAt: z.iso.datetime(),
    event: z.looseObject({ id: z.string(), type: z.string() }).describe("The CloudEvent as it would have been sent."),
  })
  .meta({ id: "DeadEvent", description: "An event that could not be delivered to one sink." });

export const deadEventPageSchema = z
  .strictObject({ events: z.array(deadEventViewSchema), continuationToken: z.string().optional() })
  .meta({ id: "DeadEventPage", description: "Newest events first." });

/** `GET /api/events/dead`. */
export function createListDeadEvents({ dead }: Pick<DeadEventsDeps, "dead">): HttpHandler {
  return async (request) => {
    const { limit, continuationToken } = readQuery(request, deadEventsQuerySchema);
    const page = await dead.page(limit, continuationToken);
    return json(200, { events: page.dead, continuationToken: page.continuationToken });
  };
}

/** `POST /api/events/dead/{id}/redeliver`: all tries anew. The row goes last: a crash before it repeats the event. */
export function createRedeliverEvent({ dead, hasSink, send }: DeadEventsDeps): HttpHandler {
  return async (request) => {
    const found = await readDead(dead, request);
    const { id, sink, event } = found.dead;
    if (!hasSink(sink)) throw sinkMissing(id, sink);
    await send(firstMessage(sink, event));
    await dead.delete(id, found.etag); // one that has died again meanwhile stays
    return json(202, found.dead);
  };
}

/** `DELETE /api/events/dead/{id}`. */
export function createDeleteDeadEvent({ dead }: Pick<DeadEventsDeps, "dead">): HttpHandler {
  return async (request) => {
    const found = await readDead(dead, request);
    await dead.delete(found.dead.id, found.etag);
    return { status: 204 };
  };
}

async function readDead(dead: DeadEvents, request: HttpRequest): Promise<{ dead: DeadEvent; etag: string }> {
  const id = request.params.id ?? "";
  const parsed = deadEventIdSchema.safeParse(id.toUpperCase());
  const found = parsed.success ? await dead.read(parsed.data) : undefined;
  if (found !== undefined) return found;
  throw new ImportError({ code: "EVENT_NOT_FOUND", what: `there is no dead event ${id.slice(0, 40)}` });
}

function sinkMissing(id: DeadEventId, sink: string): ImportError {
  return new ImportError({
    code: "EVENT_SINK_MISSING",
    what: `dead event ${id} is for sink ${sink}, which is not in EVENT_SINKS`,
    hint: "delete it, or put the sink back into the settings",
  });
}
