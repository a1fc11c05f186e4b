import type { TokenCredential } from "@azure/identity";
import type { StorageConfig } from "./config.ts";
import { lazyCredential } from "./lazy-credential.ts";

/** The app's own: the user-assigned one that the settings name, else the system-assigned one. */
export function identity(storage: StorageConfig): TokenCredential {
  return lazyCredential(async () => {
    const { ManagedIdentityCredential } = await import("@azure/identity");
    const clientId = storage.kind === "identity" ? storage.clientId : undefined;
    return clientId === undefined ? new ManagedIdentityCredential() : new ManagedIdentityCredential({ clientId });
  });
}
