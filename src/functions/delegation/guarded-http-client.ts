import { createHttpHeaders, type HttpClient, type PipelineRequest } from "@azure/core-rest-pipeline";
import { MiB } from "../../descriptor.ts";
import type { ErrorPlace } from "../../errors.ts";
import { createGuardedAgent, type Network } from "../../registry/guarded-agent.ts";
import { networkError } from "../../registry/network-error.ts";

export interface GuardedHttp {
  /** For an Azure SDK's client: what fails below HTTP is an ImportError of `place`. */
  readonly clientFor: (place: ErrorPlace) => HttpClient;
  readonly close: () => Promise<void>;
}

const connections = 8;
const connectTimeoutMs = 10_000;
/** To the last byte of an answer: ARM answers in seconds, or with 202. */
const answerMs = 60_000;
const maxAnswerBytes = 8 * MiB;

/**
 * Connections for Azure's clients under the same rules as those to registries: network guard, proxies, CAs. Bodies are
 * texts, as all of ARM's are.
 */
export function createGuardedHttp(network: Network): GuardedHttp {
  const agent = createGuardedAgent(network, {
    connections,
    connectTimeoutMs,
    headersTimeout: answerMs,
    bodyTimeout: answerMs,
    keepAliveTimeout: 4_000, // shorter than what load balancers allow, so that they do not close first
  });

  const send = async (request: PipelineRequest, url: URL, signal: AbortSignal) => {
    const { statusCode, headers, body } = await agent.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: request.method,
      headers: request.headers.toJSON(),
      body: textOf(request.body),
      signal,
    });
    const chunks: Uint8Array[] = [];
    let lengthBytes = 0;
    for await (const chunk of body) {
      lengthBytes += chunk.byteLength;
      if (lengthBytes > maxAnswerBytes)
        throw new Error(`an answer of ${url.host} has more than ${maxAnswerBytes} bytes`);
      chunks.push(chunk);
    }
    const known = Object.entries(headers).map(([name, value]) => [name, String(value ?? "")] as const);
    return {
      request,
      status: statusCode,
      headers: createHttpHeaders(Object.fromEntries(known)),
      bodyAsText: Buffer.concat(chunks, lengthBytes).toString("utf8"),
    };
  };

  return {
    clientFor: (place) => ({
      sendRequest: async (request) => {
        const url = new URL(request.url);
        using caller = bridge(request.abortSignal);
        const signal = AbortSignal.any([caller.signal, AbortSignal.timeout(answerMs)]);
        try {
          return await send(request, url, signal);
        } catch (thrown) {
          caller.signal.throwIfAborted();
          throw networkError(place, url, thrown);
        }
      },
    }),
    close: () => agent.destroy(),
  };
}

function textOf(body: PipelineRequest["body"]): string | null {
  if (body === undefined || body === null) return null;
  if (typeof body === "string") return body;
  throw new Error("only texts are sent to Azure's resource manager");
}

/** Azure's signals have no reason and are no real ones. Dispose it when the request is over. */
function bridge(theirs: PipelineRequest["abortSignal"]): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  if (theirs?.aborted) abort();
  theirs?.addEventListener("abort", abort);
  return { signal: controller.signal, [Symbol.dispose]: () => theirs?.removeEventListener("abort", abort) };
}
