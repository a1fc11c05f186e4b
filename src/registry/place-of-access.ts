import type { ErrorPlace } from "../errors.ts";
import type { RegistryAccess } from "./registry.ts";

/** Where errors about a registry happened: nothing else of its access, which holds credentials, comes near an error. */
export function placeOfAccess({ side, registry, stage }: RegistryAccess): ErrorPlace {
  return { side, registry, stage };
}
