import type { TokenCredential } from "@azure/identity";
import type { EventSettings } from "../../domain/event-settings.ts";
import type { EventSink } from "../../domain/event-sinks.ts";
import { queueNames } from "../../domain/queue-names.ts";
import { unreachable } from "../../errors.ts";
import type { Network } from "../../registry/guarded-agent.ts";
import { createDeadEvents } from "../../store/dead-events.ts";
import type { Queue, QueueAccess } from "../../store/queues.ts";
import type { TableAccess } from "../../store/storage-client.ts";
import type { Log } from "../log.ts";
import { createDeleteDeadEvent, createListDeadEvents, createRedeliverEvent } from "../triggers/dead-events.ts";
import { createAnnounceEvent } from "./announce-event.ts";
import { createBuryEvent, createDeliverEvent } from "./deliver-event.ts";
import { openEventGridSink } from "./event-grid-sink.ts";
import { openQueueSink } from "./queue-sink.ts";
import { type OpenSink, openWebhookSink } from "./webhook-sink.ts";

export interface EventServicesDeps {
  readonly settings: EventSettings;
  readonly network: Network;
  readonly userAgent: string;
  readonly tables: TableAccess;
  readonly queues: QueueAccess;
  /** A queue by the name that the account knows it by. */
  readonly foreignQueue: (name: string) => Queue;
  /** The app's identity, for topics without a key. */
  readonly credential: () => TokenCredential;
  readonly stopping: AbortSignal;
  readonly log: Log;
  readonly now: () => Date;
}

const timeoutMs = 10_000;

/** Everything that sends events: what announces them, what the queues trigger, and the routes for dead ones. */
export function createEventServices(deps: EventServicesDeps) {
  const { settings, network, userAgent, credential, stopping, log, now } = deps;
  const { send } = deps.queues.queue(queueNames.events);
  const { send: postpone } = deps.queues.queue(queueNames.eventsPoison);
  const dead = createDeadEvents(deps.tables);

  const openSink = (sink: EventSink): OpenSink => {
    switch (sink.kind) {
      case "webhook":
        return openWebhookSink(sink, { network, userAgent, timeoutMs, now });
      case "queue":
        return openQueueSink(sink.queue, deps.foreignQueue(sink.queue).send);
      case "eventGrid":
        return openEventGridSink(sink, { network, timeoutMs, now, credential });
      default:
        return unreachable(sink);
    }
  };
  const sinks = new Map(settings.sinks.map((sink) => [sink.name, openSink(sink)]));
  const deliverTo = new Map([...sinks].map(([name, { deliver }]) => [name, deliver]));

  return {
    ...createAnnounceEvent({ sinks: settings.sinks, source: settings.source, send }),
    onMessage: createDeliverEvent({ sinks: deliverTo, send, dead, waits: settings.retrySeconds, stopping, log, now }),
    onPoison: createBuryEvent({ dead, postpone, log, now }),
    handlers: {
      listDeadEvents: createListDeadEvents({ dead }),
      redeliverEvent: createRedeliverEvent({ dead, hasSink: (name) => sinks.has(name), send }),
      deleteDeadEvent: createDeleteDeadEvent({ dead }),
    },
    close: async () => {
      await Promise.all([...sinks.values()].map(({ close }) => close()));
    },
  };
}
