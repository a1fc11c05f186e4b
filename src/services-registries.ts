import type { Config } from "./config.ts";
import type { RegistryNames } from "./domain/import-target.ts";
import { createHostBoard, type HostBoardDeps } from "./functions/host-board.ts";
import { createOpenRepositories, type OpenRepositoriesDeps } from "./functions/open-repositories.ts";
import { createCheckRegistry } from "./functions/registries/check-registry.ts";
import { createViewRegistry, namedRegistries } from "./functions/registries/view-registry.ts";
import { createRegistryHandlers } from "./functions/triggers/registries.ts";
import { createRegistryClient, defaultLimits } from "./registry/client.ts";
import type { ObserveRequest } from "./registry/observe-request.ts";
import { createNetwork } from "./services-network.ts";
import { createSignInServices } from "./services-sign-in.ts";
import { createUploadCanceller } from "./transfer/upload-canceller.ts";

export interface RegistryServicesDeps extends Pick<OpenRepositoriesDeps, "secrets">, HostBoardDeps {
  readonly config: Config;
  readonly isEmbedded: boolean;
  readonly userAgent: string;
  readonly observe: ObserveRequest;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly now: () => Date;
  /** Milliseconds of a clock that nobody sets back. */
  readonly elapsedMs: () => number;
}

const checkMs = 10_000;
const lastNotesMs = 1_000;

/** The one client of all registries, and what opens a repository through it. */
export function createRegistryServices(deps: RegistryServicesDeps) {
  const { config, hosts, isEmbedded, sleep, now, elapsedMs, log, userAgent, secrets, observe } = deps;
  const { registries, allow, insecureHosts, connectionsPerHost, requestsPerHost, limitShares } = config;
  const limits = { ...defaultLimits, connectionsPerHost, requestsPerHost, limitShares };
  const network = createNetwork(config, log);
  const board = createHostBoard({ hosts, sleep, log });
  const client = createRegistryClient({
    limits,
    network,
    board,
    userAgent,
    random: Math.random,
    sleep,
    now,
    elapsedMs,
    log,
    observe,
  });
  const repositories = createOpenRepositories({
    ...{ client, registries, insecureHosts, secrets },
    toCredentials: createSignInServices({ config: config.signIn, isEmbedded, now }),
  });
  const canceller = createUploadCanceller({ sleep });
  return {
    network,
    repositories,
    canceller,
    handlersFor: (names: RegistryNames) =>
      createRegistryHandlers({
        ...{ names, allow },
        named: namedRegistries(registries, allow),
        view: createViewRegistry({ registries, allow, repositories, stateOf: client.stateOf }),
        check: createCheckRegistry({ repositories, allow, checkMs, now, giveUp: canceller.giveUp }),
      }),
    /** Those that the settings name exactly: what health tells of. */
    namedRegistries: () =>
      [
        ...new Set([...(config.defaultTarget === undefined ? [] : [config.defaultTarget]), ...registries.exactHosts]),
      ].map((host) => repositories.registryOf(host)),
    close: async () => {
      await client.close();
      await Promise.race([board.settled(), sleep(lastNotesMs, new AbortController().signal)]);
    },
  };
}

export type RegistryServices = ReturnType<typeof createRegistryServices>;
