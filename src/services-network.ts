import type { Config } from "./config.ts";
import { matchesAny, matchesHost } from "./domain/host-pattern.ts";
import { type Network, systemLookup } from "./registry/guarded-agent.ts";
import { createNetworkPolicy } from "./registry/network-guard.ts";

/** How the service reaches other hosts, as the settings say. */
export function createNetwork(config: Config, log: Network["log"]): Network {
  const { namedHosts, allowPrivateHosts, insecureHosts, certificateAuthorities, proxies } = config;
  return {
    policy: createNetworkPolicy({
      namedHosts,
      allowPrivateHosts,
      isInsecure: (host) => matchesAny(insecureHosts, host),
    }),
    caFor: (host) => certificateAuthorities.find((authority) => matchesHost(authority.host, host))?.pem,
    proxies,
    lookup: systemLookup,
    log,
  };
}
