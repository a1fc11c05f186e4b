import type { TokenCredential } from "@azure/core-auth";
import type { HttpClient } from "@azure/core-rest-pipeline";
import { kindOfAddress } from "./ip-address.ts";

/**
 * The credential of a managed identity, the system-assigned one where there is no `clientId`. Its tokens come from this
 * machine or its host, over plain http, with a secret in the request: the SDK would ask a proxy for them where
 * HTTPS_PROXY is set and NO_PROXY does not name that address, and that is no place for it.
 */
export async function createManagedIdentity(clientId: string | undefined): Promise<TokenCredential> {
  const { ManagedIdentityCredential } = await import("@azure/identity");
  const { createDefaultHttpClient } = await import("@azure/core-rest-pipeline");
  const client = createDefaultHttpClient();
  const httpClient: HttpClient = {
    sendRequest: (request) => {
      if (isOfThisMachine(new URL(request.url))) delete request.agent; // the proxy's
      return client.sendRequest(request);
    },
  };
  return new ManagedIdentityCredential({ httpClient, ...(clientId === undefined ? {} : { clientId }) });
}

/** App Service: a loopback address; virtual machines and containers: the link-local one of the metadata service. */
function isOfThisMachine({ hostname }: URL): boolean {
  const kind = kindOfAddress(hostname.replace(/^\[|\]$/g, ""));
  return hostname === "localhost" || kind === "loopback" || kind === "metadata" || kind === "link-local";
}
