/** The resource id of a registry in Azure, cut into its parts as they were typed. */
export interface RegistryResourceId {
  readonly subscription: string;
  readonly group: string;
  readonly name: string;
}

/** No segment is `.` or `..`: a URL that holds the id would lead elsewhere. */
const pattern =
  /^\/subscriptions\/(?!\.{1,2}\/)([^/]+)\/resourceGroups\/(?!\.{1,2}\/)([^/]+)\/providers\/Microsoft\.ContainerRegistry\/registries\/([A-Za-z0-9][A-Za-z0-9-]*)\/?$/i;

/** Reads `/subscriptions/…/resourceGroups/…/providers/Microsoft.ContainerRegistry/registries/…`; undefined: it is none. */
export function parseRegistryResourceId(text: string): RegistryResourceId | undefined {
  const [, subscription, group, name] = pattern.exec(text) ?? [];
  if (subscription === undefined || group === undefined || name === undefined) return undefined;
  return { subscription, group, name };
}

/** The id as Azure writes it. */
export function formatRegistryResourceId({ subscription, group, name }: RegistryResourceId): string {
  return `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.ContainerRegistry/registries/${name}`;
}

/** Azure compares resource ids without regard to case. */
export function isSameText(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
