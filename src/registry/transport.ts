import type { Dispatcher } from "undici";
import { KiB } from "../descriptor.ts";
import type { ErrorPlace } from "../errors.ts";
import { createGuardedAgent, type GuardedAgentOptions, type Network } from "./guarded-agent.ts";
import { networkError, UploadStalledError } from "./network-error.ts";
import type { RegistryRequest, RequestBody } from "./registry.ts";
import { watchBody } from "./upload-body.ts";

export interface TransportOptions {
  readonly connectTimeoutMs: number;
  readonly stallMs: number;
  readonly network: Network;
}

export interface WireRequest {
  /** Whose request it is: a failure is an error of this side. */
  readonly place: ErrorPlace;
  readonly method: RegistryRequest["method"];
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: RequestBody | undefined;
  readonly headersTimeoutMs: number;
}

export type WireResponse = Pick<Dispatcher.ResponseData, "headers" | "body"> & {
  readonly status: number;
  readonly url: URL;
};

/**
 * Sends single HTTP/1.1 requests: no retries, no redirects, no decompression. A failure is thrown as the reason of the
 * signal that caused it, as what the body's own content threw, or as the ImportError for a broken connection.
 */
export interface Transport {
  readonly exchange: (request: WireRequest, signal: AbortSignal) => Promise<WireResponse>;
  readonly close: () => Promise<void>;
}

/**
 * Connections have no limit of their own: how many there are is decided before, by the slots that requests wait for in an
 * order of their own (host-slots.ts). A queue here would know nothing of it, and let a token wait for a download.
 */
export function createTransport(deps: TransportOptions): Transport {
  const { connectTimeoutMs, stallMs, network } = deps;
  const options: GuardedAgentOptions = {
    connectTimeoutMs,
    bodyTimeout: stallMs,
    maxHeaderSize: maxHeaderBytes,
    keepAliveTimeout: 4_000, // shorter than what servers and load balancers allow, so that they do not close first
  };
  const agent = createGuardedAgent(network, options);

  return {
    exchange: async ({ place, method, url, headers, body, headersTimeoutMs }, signal) => {
      const stalled = new AbortController();
      const watched =
        body && watchBody(body, { stallMs, onStall: () => stalled.abort(new UploadStalledError("no byte taken")) });
      const options: Dispatcher.RequestOptions = {
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: body === undefined ? headers : { ...headers, "content-length": String(body.lengthBytes) },
        // @ts-expect-error undici sends any async iterable, faster than a Readable around it; its types know only that
        body: watched?.content ?? null,
        headersTimeout: headersTimeoutMs,
        reset: false, // undici closes the connection after each HEAD: with TLS that costs more than the HEAD
        signal: watched === undefined ? signal : AbortSignal.any([signal, stalled.signal]),
      };
      try {
        const response = await agent.request(options);
        return { status: response.statusCode, headers: response.headers, body: response.body, url };
      } catch (thrown) {
        signal.throwIfAborted();
        const failure = watched?.contentFailure();
        throw failure === undefined ? networkError(place, url, thrown) : failure.thrown;
      }
    },
    close: () => agent.destroy(),
  };
}

/** Of an answer. Signed URLs in Location and Link have a few KiB. */
const maxHeaderBytes = 32 * KiB;
