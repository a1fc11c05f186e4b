import { judgeAnswer } from "../../domain/event-delivery.ts";
import type { WebhookSink } from "../../domain/event-sinks.ts";
import { formatQueueText } from "../../domain/queue-text.ts";
import { createGuardedAgent, type Network } from "../../registry/guarded-agent.ts";
import { parseRetryAfter } from "../../registry/retry.ts";
import type { DeliverTo } from "./deliver-event.ts";
import { signatureHeaders } from "./signature.ts";
import { noAnswer, tooLate } from "./sink-failure.ts";

export interface WebhookSinkDeps {
  readonly network: Network;
  readonly userAgent: string;
  /** From the first byte sent to the status that comes back. */
  readonly timeoutMs: number;
  readonly now: () => Date;
}

export interface OpenSink {
  readonly deliver: DeliverTo;
  readonly close: () => Promise<void>;
}

const connectionsPerSink = 8;
const drainedBytes = 16 * 1024;

/**
 * POSTs events as structured CloudEvents (application/cloudevents+json), one a request. No redirect is followed, and
 * nothing of an answer but its status and Retry-After counts.
 */
export function openWebhookSink(sink: WebhookSink, { network, userAgent, timeoutMs, now }: WebhookSinkDeps): OpenSink {
  const url = new URL(sink.url);
  const agent = createGuardedAgent(network, {
    connections: connectionsPerSink,
    connectTimeoutMs: timeoutMs,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: 4_000, // shorter than what receivers allow, so that they do not close first
  });

  const deliver: DeliverTo = async (event, signal) => {
    const body = formatQueueText(event);
    const deadline = AbortSignal.timeout(timeoutMs);
    try {
      const response = await agent.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: "POST",
        headers: {
          "content-type": "application/cloudevents+json; charset=utf-8",
          "user-agent": userAgent,
          ...(sink.secret === undefined ? {} : signatureHeaders(body, sink.secret, now())),
        },
        body,
        signal: AbortSignal.any([signal, deadline]),
      });
      const retryAfter = response.headers["retry-after"];
      const seconds = parseRetryAfter(typeof retryAfter === "string" ? retryAfter : undefined, now());
      // The status has come: how the rest of the answer ends changes nothing.
      await response.body.dump({ limit: drainedBytes }).catch(() => undefined);
      return judgeAnswer(url.host, response.statusCode, seconds);
    } catch (thrown) {
      signal.throwIfAborted();
      return deadline.aborted ? tooLate(url.host) : noAnswer(url.host, thrown);
    }
  };
  return { deliver, close: () => agent.destroy() };
}
