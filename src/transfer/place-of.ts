import type { ErrorPlace } from "../errors.ts";
import type { Repository } from "../registry/registry.ts";

/** Where errors about a repository happened; nothing else of its access, which holds credentials. */
export function placeOf({ registry }: Repository): ErrorPlace {
  const { side, registry: host, stage } = registry.access;
  return { side, registry: host, stage };
}
