import type { TokenCredential } from "@azure/identity";
import type { StorageConfig } from "./config.ts";
import { lazyCredential } from "./lazy-credential.ts";
import { createManagedIdentity } from "./managed-identity.ts";

/** The app's own: the user-assigned one that the settings name, else the system-assigned one. */
export function identity(storage: StorageConfig): TokenCredential {
  return lazyCredential(() => createManagedIdentity(storage.kind === "identity" ? storage.clientId : undefined));
}
