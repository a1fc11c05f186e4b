import { parseRegistryResourceId, type RegistryResourceId } from "../../domain/arm-resource-id.ts";
import type { ImportSpec } from "../../domain/import-spec.ts";
import type { Registries } from "../../domain/registries.ts";
import { type ErrorPlace, ImportError } from "../../errors.ts";
import type { ArmClient } from "./arm-client.ts";

export interface FindRegistriesDeps {
  readonly arm: Pick<ArmClient, "findRegistry">;
  readonly registries: Pick<Registries, "entryFor">;
  readonly defaultTarget: string | undefined;
}

/** Azure's ids of the two sides of an import. */
export interface FindRegistries {
  /** Throws TARGET_REGISTRY_MISSING where neither REGISTRIES nor Azure has the target. */
  readonly targetId: (place: ErrorPlace, signal: AbortSignal) => Promise<RegistryResourceId>;
  /** Undefined: ACR is to read the source by its address, not by the app's identity. */
  readonly sourceId: (
    spec: ImportSpec,
    place: ErrorPlace,
    signal: AbortSignal,
  ) => Promise<RegistryResourceId | undefined>;
}

const maxKnown = 1_000;

/** Ids that Azure has told are kept in this process: a registry's never changes. */
export function createFindRegistries({ arm, registries, defaultTarget }: FindRegistriesDeps): FindRegistries {
  const known = new Map<string, RegistryResourceId>();

  const find = async (place: ErrorPlace, signal: AbortSignal): Promise<RegistryResourceId | undefined> => {
    const { registry } = place;
    const set = parseRegistryResourceId(registries.entryFor(registry)?.resourceId ?? "");
    const kept = set ?? known.get(registry);
    if (kept !== undefined) return kept;
    const found = await arm.findRegistry(place, signal);
    if (found === undefined) return undefined;
    if (known.size >= maxKnown) known.clear();
    known.set(registry, found);
    return found;
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
      const { registry, resourceId } = spec.source;
      const entry = registries.entryFor(registry);
      // The app's identity is for registries that the operator has named for it: a request alone does not open one.
      const isNamed = entry?.resourceId !== undefined || entry?.auth.kind === "entra" || registry === defaultTarget;
      if (!isNamed) return undefined;
      return parseRegistryResourceId(entry?.resourceId ?? resourceId ?? "") ?? (await find(place, signal));
    },
  };
}
