import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { TokenCredential } from "@azure/identity";
import { z } from "zod";
import { judgeAnswer, type StoredEvent } from "../../domain/event-delivery.ts";
import type { EventGridSink } from "../../domain/event-sinks.ts";
import { createGuardedLookup, refusalOfUrl } from "../../registry/network-guard.ts";
import { parseRetryAfter } from "../../registry/retry.ts";
import type { DeliverTo } from "./deliver-event.ts";
import { noAnswer, tooLate } from "./sink-failure.ts";
import type { OpenSink, WebhookSinkDeps } from "./webhook-sink.ts";

export interface EventGridSinkDeps extends Omit<WebhookSinkDeps, "userAgent"> {
  /** The app's identity, for topics without a key. */
  readonly credential: () => TokenCredential;
}

/** Publishes events to an Event Grid topic whose input schema is CloudEvents 1.0. */
export function openEventGridSink(sink: EventGridSink, deps: EventGridSinkDeps): OpenSink {
  const { network, timeoutMs, now } = deps;
  const url = new URL(sink.endpoint);
  const agentOptions = { keepAlive: true, maxSockets: 8, lookup: createGuardedLookup(url, network) };
  const agent = url.protocol === "http:" ? new HttpAgent(agentOptions) : new HttpsAgent(agentOptions);
  let client: ReturnType<typeof openClient> | undefined;

  const deliver: DeliverTo = async (event, signal) => {
    const deadline = AbortSignal.timeout(timeoutMs);
    try {
      const refused = refusalOfUrl(url, network.policy, { byName: false });
      if (refused !== undefined) throw refused;
      client ??= openClient(sink, agent, deps);
      await (await client).send([toInput(event)], { abortSignal: AbortSignal.any([signal, deadline]) });
      return { kind: "delivered" };
    } catch (thrown) {
      signal.throwIfAborted();
      if (deadline.aborted) return tooLate(url.host);
      const refusal = refusalSchema.safeParse(thrown);
      if (!refusal.success) return noAnswer(url.host, thrown);
      const { statusCode, response } = refusal.data;
      return judgeAnswer(url.host, statusCode, parseRetryAfter(response?.headers.get("retry-after"), now()));
    }
  };
  return { deliver, close: async () => agent.destroy() };
}

/** The client is loaded by the first event that needs it. It repeats nothing: the queue does. */
async function openClient(sink: EventGridSink, agent: HttpAgent | HttpsAgent, { credential }: EventGridSinkDeps) {
  const { AzureKeyCredential, EventGridPublisherClient } = await import("@azure/eventgrid");
  const { endpoint, key } = sink;
  return new EventGridPublisherClient(
    endpoint,
    "CloudEvent",
    key === undefined ? credential() : new AzureKeyCredential(key),
    {
      retryOptions: { maxRetries: 0 },
      redirectOptions: { maxRetries: 0 },
      allowInsecureConnection: endpoint.startsWith("http:"),
      additionalPolicies: [
        {
          position: "perRetry",
          policy: {
            name: "drayageConnections",
            sendRequest: (request, next) => {
              request.agent = agent;
              return next(request);
            },
          },
        },
      ],
    },
  );
}

const refusalSchema = z.looseObject({
  statusCode: z.int(),
  response: z
    .looseObject({
      headers: z.custom<{ readonly get: (name: string) => string | undefined }>((value) => value !== null),
    })
    .optional(),
});

function toInput({ id, source, type, subject, time, data }: StoredEvent) {
  return { id, source, type, subject, time: new Date(time), datacontenttype: "application/json", data };
}
