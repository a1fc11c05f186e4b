import {
  type Delivery,
  type DeliveryMessage,
  deliveryMessageSchema,
  nextDeliveryStep,
  type StoredEvent,
} from "../../domain/event-delivery.ts";
import { toImportError, unreachable } from "../../errors.ts";
import type { DeadEvents } from "../../store/dead-events.ts";
import type { Log } from "../log.ts";
import { formatDelivery, type SendText } from "./announce-event.ts";

/** Delivers one event to one sink. Rejects only with the signal's reason. */
export type DeliverTo = (event: StoredEvent, signal: AbortSignal) => Promise<Delivery>;

export interface DeliverEventDeps {
  /** By the names of the sinks. */
  readonly sinks: ReadonlyMap<string, DeliverTo>;
  /** Into queue `events`. */
  readonly send: SendText;
  readonly dead: Pick<DeadEvents, "put">;
  /** Seconds before the second, third, … try. */
  readonly waits: readonly number[];
  /** Fires when the process is about to stop: the host hands the message out again. */
  readonly stopping: AbortSignal;
  readonly log: Log;
  readonly now: () => Date;
}

/**
 * Takes a message of queue `events`: delivers it, or puts it back with a wait, or writes it down as dead. A crash, or
 * storage that fails, leaves the message in the queue, so that an event is delivered at least once.
 */
export function createDeliverEvent(deps: DeliverEventDeps): (raw: unknown) => Promise<void> {
  return async (raw) => {
    const message = readMessage(raw, deps.log);
    if (message === undefined) return;
    const { sink, attempt, event } = message;
    const fields = { sink, eventId: event.id, type: event.type, attempt };
    const deliver = deps.sinks.get(sink);
    const delivery: Delivery =
      deliver === undefined
        ? { kind: "refused", reason: "the sink is not in EVENT_SINKS" }
        : await deliver(event, deps.stopping);
    const step = nextDeliveryStep(delivery, attempt, deps.waits);
    switch (step.kind) {
      case "done":
        return deps.log("event-delivered", fields);
      case "again":
        await deps.send(formatDelivery({ ...message, attempt: attempt + 1 }), { visibilitySeconds: step.waitSeconds });
        return deps.log("event-delivery-failed", { ...fields, reason: step.reason, waitSeconds: step.waitSeconds });
      case "dead":
        return await bury(deps, message, step.reason);
      default:
        return unreachable(step);
    }
  };
}

export interface BuryEventDeps extends Pick<DeliverEventDeps, "dead" | "log" | "now"> {
  /** Into queue `events-poison`. */
  readonly postpone: SendText;
}

const buryAgainSeconds = 300;

/**
 * Takes a message of queue `events-poison`, where the host puts what it has handed out five times in vain. While the
 * table cannot be written the message goes back to the end of the queue: the host would make a poison queue of a poison
 * queue, which nobody reads.
 */
export function createBuryEvent(deps: BuryEventDeps): (raw: unknown) => Promise<void> {
  return async (raw) => {
    const message = readMessage(raw, deps.log);
    if (message === undefined) return;
    try {
      await bury(deps, message, "its delivery was begun several times and never ended");
    } catch (thrown) {
      await deps.postpone(formatDelivery(message), { visibilitySeconds: buryAgainSeconds });
      const { sink, event } = message;
      deps.log("event-burial-postponed", { sink, eventId: event.id, code: toImportError(thrown).code });
    }
  };
}

async function bury(
  { dead, log, now }: Pick<DeliverEventDeps, "dead" | "log" | "now">,
  { sink, attempt, event }: DeliveryMessage,
  reason: string,
): Promise<void> {
  const id = await dead.put({ sink, reason, attempts: attempt, diedAt: now().toISOString(), event });
  log("event-dead", { id, sink, eventId: event.id, type: event.type, attempt, reason });
}

/** The host hands out JSON parsed. What is none of Drayage's messages is dropped: nobody can deliver it. */
function readMessage(raw: unknown, log: Log): DeliveryMessage | undefined {
  const parsed = deliveryMessageSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  log("event-message-refused", { properties: parsed.error.issues.map(({ path }) => path.map(String).join(".")) });
  return undefined;
}
