import { type AllowSettings, isAllowedTarget } from "./allow-list.ts";
import { isSameText, parseRegistryResourceId, type RegistryResourceId } from "./arm-resource-id.ts";
import { isWildcard } from "./host-pattern.ts";
import { bareNamePattern } from "./import-target.ts";
import { normaliseHost } from "./reference.ts";
import type { Registries } from "./registries.ts";

/** A registry that imports may go to, as clients of Azure's resource manager know one. */
export interface ArmRegistry {
  /** What stands for it in the path of a request. */
  readonly name: string;
  readonly host: string;
  /** Where it is in Azure, when the operator says so; undefined: in whatever subscription and group one looks at. */
  readonly place: Pick<RegistryResourceId, "subscription" | "group"> | undefined;
}

/** The registries behind the routes of Azure's resource manager. */
export interface ArmRegistries {
  /** All that the settings name, by their order. */
  readonly all: readonly ArmRegistry[];
  /** Subscriptions to choose from; never empty. */
  readonly subscriptions: readonly string[];
  /** What is in a subscription, by the order of the settings. */
  readonly list: (subscription: string) => readonly ArmRegistry[];
  /**
   * The registry of a path. The name decides; subscription and group only between registries of one name, so that
   * requests keep the ones they have. Undefined: imports may not go to such a registry.
   */
  readonly find: (id: RegistryResourceId) => ArmRegistry | undefined;
}

/** A subscription for registries that are in none: clients want to choose one. */
export const ownSubscription = "64726179-6167-4065-8000-000000000000";
/** The resource group of registries that are in none, for who names no group either. */
export const ownGroup = "drayage";

export interface ArmRegistriesSettings {
  readonly allow: AllowSettings;
  readonly registries: Pick<Registries, "entryFor" | "exactHosts" | "hostOfName">;
  readonly registrySuffix: string;
}

/** The targets that the settings name exactly: DEFAULT_TARGET, ALLOWED_TARGETS, and entries of REGISTRIES that are allowed. */
export function createArmRegistries({ allow, registries, registrySuffix }: ArmRegistriesSettings): ArmRegistries {
  const hosts = [
    ...(allow.defaultTarget === undefined ? [] : [allow.defaultTarget]),
    ...(allow.allowedTargets ?? []).filter((pattern) => !isWildcard(pattern)),
    ...registries.exactHosts,
  ].filter((host) => isAllowedTarget(host, allow));

  const known = [...new Set(hosts)].map((host): ArmRegistry => {
    const entry = registries.entryFor(host);
    const isOwn = entry?.host === host; // an entry for a whole domain says nothing about the name of one
    const id = isOwn && entry.resourceId !== undefined ? parseRegistryResourceId(entry.resourceId) : undefined;
    const name = id?.name ?? (isOwn ? entry.alias : undefined) ?? nameOf(host, registrySuffix);
    return { name, host, place: id && { subscription: id.subscription, group: id.group } };
  });
  const placed = known.flatMap(({ place }) => (place === undefined ? [] : [place.subscription.toLowerCase()]));
  const isAnyUnplaced = known.some(({ place }) => place === undefined);

  const guess = (name: string): ArmRegistry | undefined => {
    const lower = name.toLowerCase();
    const isBare = bareNamePattern.test(lower);
    const host = isBare ? (registries.hostOfName(lower) ?? `${lower}.${registrySuffix}`) : normaliseHost(lower);
    if (host === undefined || !isAllowedTarget(host, allow)) return undefined;
    return known.find((registry) => registry.host === host) ?? { name, host, place: undefined };
  };

  return {
    all: known,
    subscriptions: [...new Set([...placed, ...(isAnyUnplaced || placed.length === 0 ? [ownSubscription] : [])])],
    list: (subscription) =>
      known.filter(({ place }) => place === undefined || isSameText(place.subscription, subscription)),
    find: ({ subscription, group, name }) => {
      const named = known.filter((registry) => isSameText(registry.name, name));
      const isHere = ({ place }: ArmRegistry) =>
        place !== undefined && isSameText(place.subscription, subscription) && isSameText(place.group, group);
      return named.find(isHere) ?? named[0] ?? guess(name);
    },
  };
}

/** The resource id of a registry, seen from the subscription (and group) that a request names. */
export function resourceIdOf(
  { name, place }: ArmRegistry,
  seenFrom: { readonly subscription: string; readonly group?: string },
): RegistryResourceId {
  return { subscription: seenFrom.subscription, group: seenFrom.group ?? ownGroup, ...place, name };
}

/** `prod.azurecr.io` → `prod`; other hosts without what a resource's name may not hold: `localhost:5001` → `localhost5001`. */
function nameOf(host: string, registrySuffix: string): string {
  const [first = host] = host.split(".");
  if (host === `${first}.${registrySuffix}` || host.startsWith(`${first}.azurecr.`)) return first;
  return host.replace(/[^a-z0-9]/g, "");
}
