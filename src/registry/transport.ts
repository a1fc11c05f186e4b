import { Agent, type Dispatcher } from "undici";
import { UploadStalledError } from "./network-error.ts";
import type { RegistryRequest, RequestBody } from "./registry.ts";
import { watchBody } from "./upload-body.ts";

export interface TransportOptions {
  /** Sockets per host and lane. */
  readonly connectionsPerHost: number;
  readonly connectTimeoutMs: number;
  readonly stallMs: number;
}

export interface WireRequest {
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

/** Sends single HTTP/1.1 requests: no retries, no redirects, no decompression; errors are thrown as they come. */
export interface Transport {
  readonly exchange: (request: WireRequest, signal: AbortSignal) => Promise<WireResponse>;
  readonly close: () => Promise<void>;
}

/**
 * Downloads and uploads have connections of their own: a download that waits for its upload to begin must not hold
 * the connection which that upload needs, as it would where source and target are one host.
 */
export function createTransport({ connectionsPerHost, connectTimeoutMs, stallMs }: TransportOptions): Transport {
  // HTTP/2 would squeeze all streams of a host through one congestion window.
  const options: Agent.Options = {
    connections: connectionsPerHost,
    allowH2: false,
    connect: { timeout: connectTimeoutMs },
    bodyTimeout: stallMs,
    keepAliveTimeout: 4_000, // shorter than what servers and load balancers allow, so that they do not close first
  };
  const downloads = new Agent(options);
  const uploads = new Agent(options);

  return {
    exchange: async ({ method, url, headers, body, headersTimeoutMs }, signal) => {
      const agent = method === "GET" || method === "HEAD" ? downloads : uploads;
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
        signal: watched === undefined ? signal : AbortSignal.any([signal, stalled.signal]),
      };
      try {
        const response = await agent.request(options);
        return { status: response.statusCode, headers: response.headers, body: response.body, url };
      } catch (thrown) {
        const failure = watched?.contentFailure();
        throw failure === undefined ? thrown : failure.thrown;
      }
    },
    close: async () => {
      await Promise.all([downloads.destroy(), uploads.destroy()]);
    },
  };
}
