import { type Network, systemLookup } from "../../src/registry/guarded-agent.ts";
import { createNetworkPolicy, type NetworkSettings } from "../../src/registry/network-guard.ts";

export interface TestNetworkOptions extends Partial<Omit<Network, "policy">>, Partial<NetworkSettings> {}

/** Settings that name nobody, but for what the options say. */
export function createTestNetwork(options: TestNetworkOptions = {}): Network {
  const { namedHosts = [], allowPrivateHosts = [], isInsecure = () => false, ...rest } = options;
  return {
    policy: createNetworkPolicy({ namedHosts, allowPrivateHosts, isInsecure }),
    proxies: { httpsProxy: undefined, httpProxy: undefined, noProxy: [] },
    caFor: () => undefined,
    lookup: systemLookup,
    log: () => undefined,
    ...rest,
  };
}

/** For tests whose servers get their ports as they start: whatever is on this machine, with TLS or without. */
export function createLoopbackNetwork(): Network {
  const isLocal = (host: string) => /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host);
  const policy = { mayBePlain: isLocal, mayBePrivate: () => false, mayBeLoopback: isLocal };
  return { ...createTestNetwork(), policy };
}
