import { lookup as dnsLookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { Agent, buildConnector, Pool } from "undici";
import { createGuardedLookup, type NetworkPolicy, namesOf, refusalOfUrl } from "./network-guard.ts";
import { openTunnel, type ProxySettings, proxyFor } from "./proxy.ts";

/** How this process reaches other hosts, and which it must not reach. */
export interface Network {
  readonly policy: NetworkPolicy;
  readonly proxies: ProxySettings;
  /** Certificates (PEM) that a host's own may be signed by, besides those that Node.js trusts. */
  readonly caFor: (host: string) => string | undefined;
  /** `lookup` of node:dns. */
  readonly lookup: LookupFunction;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

export const systemLookup: LookupFunction = (hostname, options, callback) =>
  dnsLookup(hostname, options, (error, address, family) => callback(error, address, family));

export interface GuardedAgentOptions extends Omit<Agent.Options, "connect" | "factory" | "allowH2"> {
  readonly connectTimeoutMs: number;
}

/**
 * An undici agent whose every connection is checked, on the address that it goes to. What it refuses fails with a
 * ConnectFailure, which `networkError` makes an ImportError of. A request on a connection that is there costs nothing.
 */
export function createGuardedAgent(network: Network, { connectTimeoutMs, ...options }: GuardedAgentOptions): Agent {
  return new Agent({
    ...options,
    allowH2: false, // HTTP/2 would squeeze all streams of a host through one congestion window
    factory: (origin, given) =>
      new Pool(origin, { ...given, connect: createConnector(new URL(origin), network, connectTimeoutMs) }),
  });
}

/** Connects to one origin. TLS is always verified, whatever NODE_TLS_REJECT_UNAUTHORIZED says. */
function createConnector(url: URL, network: Network, timeoutMs: number): buildConnector.connector {
  const { policy, proxies, caFor, lookup, log } = network;
  const proxy = proxyFor(url, proxies);
  const refused = refusalOfUrl(url, policy, { byName: proxy !== undefined });
  if (refused !== undefined) {
    return (_, callback) => {
      log("network.refused", { host: url.host });
      callback(refused, null);
    };
  }
  const ca = namesOf(url)
    .map(caFor)
    .find((pem) => pem !== undefined);
  const connect = buildConnector({
    timeout: timeoutMs,
    allowH2: false,
    rejectUnauthorized: true,
    lookup: createGuardedLookup(url, { policy, lookup, log }),
    ...(ca === undefined ? {} : { secureContext: trusting(ca) }),
  });
  if (proxy === undefined) return connect;
  return (options, callback) => {
    openTunnel(proxy, url, timeoutMs).then(
      (httpSocket) => {
        if (url.protocol === "http:") callback(null, httpSocket);
        else connect({ ...options, httpSocket }, callback);
      },
      (thrown: Error) => callback(thrown, null),
    );
  };
}

function trusting(ca: string): SecureContext {
  return createSecureContext({ ca: [...getCACertificates("default"), ca] });
}
