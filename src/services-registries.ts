import type { Config } from "./config.ts";
import type { Log } from "./functions/log.ts";
import { createOpenRepositories, type OpenRepositoriesDeps } from "./functions/open-repositories.ts";
import { createSignIn } from "./functions/sign-in/create-sign-in.ts";
import { createRegistryClient, defaultLimits } from "./registry/client.ts";
import { createNetwork } from "./services-network.ts";

export interface RegistryServicesDeps extends Pick<OpenRepositoriesDeps, "secrets"> {
  readonly config: Config;
  readonly userAgent: string;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly now: () => Date;
  readonly log: Log;
}

/** The one client of all registries, and what opens a repository through it. */
export function createRegistryServices({ config, userAgent, sleep, now, log, secrets }: RegistryServicesDeps) {
  const { registries, insecureHosts, connectionsPerHost, requestsPerHost } = config;
  const limits = { ...defaultLimits, connectionsPerHost, requestsPerHost };
  const network = createNetwork(config, log);
  const client = createRegistryClient({ limits, network, userAgent, random: Math.random, sleep, now, log });
  const repositories = createOpenRepositories({
    ...{ client, registries, insecureHosts, secrets },
    toCredentials: createSignIn(),
  });
  return {
    network,
    repositories,
    /** Those that the settings name exactly: what health tells of. */
    namedRegistries: () =>
      [
        ...new Set([...(config.defaultTarget === undefined ? [] : [config.defaultTarget]), ...registries.exactHosts]),
      ].map((host) => repositories.registryOf(host)),
    close: () => client.close(),
  };
}

export type RegistryServices = ReturnType<typeof createRegistryServices>;
