import { parseRegistryResourceId, type RegistryResourceId } from "../../domain/arm-resource-id.ts";
import type { ImportSpec } from "../../domain/import-spec.ts";
import type { Registries } from "../../domain/registries.ts";
import { type ErrorPlace, ImportError } from "../../errors.ts";
import { createExpiringCache } from "../../registry/expiring-cache.ts";
import type { ArmClient } from "./arm-client.ts";

export interface FindRegistriesDeps {
  readonly arm: Pick<ArmClient, "findRegistry">;
  readonly registries: Pick<Registries, "entryFor">;
  readonly defaultTarget: string | undefined;
  readonly now: () => Date;
}

/** Azure's ids of the two sides of an import. */
export interface FindRegistries {
  /** Throws TARGET_REGISTRY_MISSING where neither REGISTRIES nor Azure has the target. */
  readonly targetId: (place: ErrorPlace, signal: AbortSignal) => Promise<RegistryResourceId>;
  /**
   * Of the host that the source is read from, which may be a mirror. Undefined: ACR is to read it by its address, not by
   * the app's identity.
   */
  readonly sourceId: (
    spec: ImportSpec,
    place: ErrorPlace,
    signal: AbortSignal,
  ) => Promise<RegistryResourceId | undefined>;
}

const foundSeconds = 24 * 3_600; // a registry's id never changes
const missingSeconds = 5 * 60; // a role may be given, or a registry created

/** What Azure has told is kept in this process: it is a walk through all subscriptions, and imports come by the hundred. */
export function createFindRegistries(deps: FindRegistriesDeps): FindRegistries {
  const { arm, registries, defaultTarget, now } = deps;
  const cache = createExpiringCache<RegistryResourceId | "missing">({ now });

  const find = async (place: ErrorPlace, signal: AbortSignal): Promise<RegistryResourceId | undefined> => {
    const { registry } = place;
    const set = parseRegistryResourceId(registries.entryFor(registry)?.resourceId ?? "");
    if (set !== undefined) return set;
    const obtain = async (flight: AbortSignal) => {
      const id = await arm.findRegistry(place, flight);
      return { value: id ?? "missing", lifetimeSeconds: id === undefined ? missingSeconds : foundSeconds } as const;
    };
    const found = await cache.get({ key: registry, place, obtain }, signal);
    return found === "missing" ? undefined : found;
  };

  return {
    targetId: async (place, signal) => {
      const found = await find(place, signal);
      if (found !== undefined) return found;
      throw new ImportError({
        ...place,
        code: "TARGET_REGISTRY_MISSING",
        what: "none of the registries in Azure that the app's identity may read has this host",
        hint: "give its entry in REGISTRIES the resourceId, or the app's identity the right to read the registry",
      });
    },
    sourceId: async (spec, place, signal) => {
      const { registry } = place;
      const resourceId = registry === spec.source.registry ? spec.source.resourceId : undefined; // not the mirror's
      const entry = registries.entryFor(registry);
      // The app's identity is for registries that the operator has named for it: a request alone does not open one.
      const isNamed = entry?.resourceId !== undefined || entry?.auth.kind === "entra" || registry === defaultTarget;
      if (!isNamed) return undefined;
      return parseRegistryResourceId(entry?.resourceId ?? resourceId ?? "") ?? (await find(place, signal));
    },
  };
}
