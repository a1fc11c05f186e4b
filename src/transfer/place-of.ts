import type { ErrorPlace } from "../errors.ts";
import { placeOfAccess } from "../registry/place-of-access.ts";
import type { Repository } from "../registry/registry.ts";

/** Where errors about a repository happened. */
export function placeOf({ registry }: Repository): ErrorPlace {
  return placeOfAccess(registry.access);
}
