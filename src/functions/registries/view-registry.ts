import { type AllowSettings, isAllowedSource, isAllowedTarget } from "../../domain/allow-list.ts";
import { isWildcard } from "../../domain/host-pattern.ts";
import type { Registries } from "../../domain/registries.ts";
import type { RegistryView } from "../../domain/registry-view.ts";
import { definedOnly } from "../../errors.ts";
import type { RegistryClient } from "../../registry/registry.ts";
import type { OpenRepositories } from "../open-repositories.ts";

const recallMs = 5_000; // the notes come sooner, or are done without

export interface ViewRegistryDeps {
  readonly registries: Registries;
  readonly allow: AllowSettings;
  readonly repositories: Pick<OpenRepositories, "registryOf">;
  readonly stateOf: RegistryClient["stateOf"];
}

/** What the settings say of a registry, and what is known of it by now. Asks the notes of the other processes, and no registry. */
export type ViewRegistry = (host: string) => Promise<RegistryView>;

export function createViewRegistry({ registries, allow, repositories, stateOf }: ViewRegistryDeps): ViewRegistry {
  return async (host) => {
    const entry = registries.entryFor(host);
    const own = entry !== undefined && !isWildcard(entry.host) ? entry : undefined;
    const { password: _, ...auth } = entry?.auth ?? { kind: kindWithoutEntry(registries, host) };
    const registry = repositories.registryOf(host);
    await registry.recall(AbortSignal.timeout(recallMs));
    const { pauses, budgets } = stateOf(host);
    const { maxPutBytes, refusesChunks } = registry.learned;
    return {
      host,
      ...definedOnly({ alias: own?.alias, resourceId: own?.resourceId }),
      auth,
      profile: registry.profile.name,
      isInsecure: registry.access.insecure,
      isDefaultTarget: host === allow.defaultTarget,
      allowedAs: [
        ...(isAllowedSource(host, allow) ? (["source"] as const) : []),
        ...(isAllowedTarget(host, allow) ? (["target"] as const) : []),
      ],
      pauses: pauses.map(({ requestClass, until, reason }) => ({
        ...{ requests: requestClass, until: until.toISOString(), reason },
      })),
      budgets: budgets.map(({ requestClass, perMinute, free, waiting }) => ({
        ...{ requests: requestClass, perMinute, free, waiting },
      })),
      learned: definedOnly({ maxPutBytes, refusesChunks: refusesChunks ? true : undefined }),
    };
  };
}

function kindWithoutEntry(registries: Registries, host: string): "entra" | "anonymous" {
  return registries.signInAt(host, undefined).kind === "entra" ? "entra" : "anonymous";
}

/** Hosts that the settings name one by one, the default target first. */
export function namedRegistries(registries: Pick<Registries, "exactHosts">, allow: AllowSettings): readonly string[] {
  const { defaultTarget, allowedSources = [], allowedTargets = [] } = allow;
  const listed = [...allowedSources, ...allowedTargets].filter((pattern) => !isWildcard(pattern));
  return [...new Set([...(defaultTarget === undefined ? [] : [defaultTarget]), ...registries.exactHosts, ...listed])];
}
