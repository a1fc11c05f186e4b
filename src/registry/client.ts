import { ImportError } from "../errors.ts";
import { errorFromResponse, maxErrorBytes } from "./errors-from-response.ts";
import { networkError } from "./network-error.ts";
import { profileFor } from "./profiles.ts";
import type {
  Action,
  LearnedHost,
  Registry,
  RegistryAccess,
  RegistryClient,
  RegistryRequest,
  RegistryResponse,
} from "./registry.ts";
import { createResponse, headerOf } from "./response.ts";
import { createTransport } from "./transport.ts";

export interface ClientLimits {
  /** Sockets per host, for downloads and for uploads each. */
  readonly connectionsPerHost: number;
  /** Requests in flight per host, from sending to the end of the answer; reads and writes each. */
  readonly requestsPerHost: number;
  /** Tries of an idempotent request, the first one included. */
  readonly attempts: number;
  readonly connectTimeoutMs: number;
  /** From the last byte of a request to the head of its answer. */
  readonly headersTimeoutMs: number;
  /** Without a byte while body bytes are due, in either direction. */
  readonly stallMs: number;
  /** A registry that asks to wait longer than this is not waited for here: the error says how long. */
  readonly maxWaitSeconds: number;
}

export const defaultLimits: ClientLimits = {
  connectionsPerHost: 32,
  requestsPerHost: 32,
  attempts: 5,
  connectTimeoutMs: 10_000,
  headersTimeoutMs: 60_000,
  stallMs: 30_000,
  maxWaitSeconds: 60,
};

export interface RegistryClientDeps {
  readonly limits: ClientLimits;
  readonly userAgent: string;
  /** In [0, 1). */
  readonly random: () => number;
  /** Rejects with the signal's reason. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly now: () => Date;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

/** Opens registries over shared connections, limits, tokens and learned facts: one client per process. */
export function createRegistryClient(deps: RegistryClientDeps): RegistryClient {
  const transport = createTransport(deps.limits);
  const learned = new Map<string, LearnedHost>();
  return {
    open: (access) => {
      const apiHost = apiHostOf(access.registry);
      const facts = learned.get(apiHost) ?? { maxPutBytes: undefined, uploadBytesPerSecond: undefined };
      learned.set(apiHost, facts);
      const registry: Registry = {
        access,
        apiHost,
        profile: profileFor(apiHost, access.profile),
        learned: facts,
        repository: (name, _actions: readonly Action[]) => ({
          registry,
          name,
          send: (request, signal) => send(access, apiHost, name, request, signal),
        }),
      };
      return registry;
    },
    close: transport.close,
  };

  async function send(
    access: RegistryAccess,
    apiHost: string,
    name: string,
    request: RegistryRequest,
    signal: AbortSignal,
  ): Promise<RegistryResponse> {
    signal.throwIfAborted();
    const base = `${access.insecure ? "http" : "https"}://${apiHost}`;
    const url =
      "url" in request.target ? new URL(request.target.url) : new URL(`/v2/${name}/${request.target.path}`, base);
    try {
      const wire = await transport.exchange(
        {
          method: request.method,
          url,
          headers: { "user-agent": deps.userAgent, "accept-encoding": "identity", ...request.headers },
          body: request.body,
          headersTimeoutMs: request.headersTimeoutMs ?? deps.limits.headersTimeoutMs,
        },
        signal,
      );
      const response = createResponse(wire, { place: access, signal, onClose: () => undefined });
      if (request.accept.includes(wire.status)) return response;
      const body = await response.text(maxErrorBytes).catch(() => "");
      throw errorFromResponse(access, {
        method: request.method,
        status: wire.status,
        subject:
          "path" in request.target ? `${request.target.path.split("?", 1).join("")} of ${name}` : `upload to ${name}`,
        body,
        retryAfterSeconds: undefined,
        correlationId: headerOf(wire, "x-ms-correlation-request-id"),
      });
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof ImportError) throw thrown;
      throw networkError(access, url.host, thrown);
    }
  }
}

/** The host whose API serves a registry's name. */
export function apiHostOf(registry: string): string {
  return registry === "docker.io" || registry === "index.docker.io" ? "registry-1.docker.io" : registry;
}
