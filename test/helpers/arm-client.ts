import { ContainerRegistryManagementClient } from "@azure/arm-containerregistry";

/** A subscription and a group that a script has named for years. */
export const armScope = { subscription: "11111111-2222-3333-4444-555555555555", group: "team-rg" } as const;

/** Azure's own client with this service for its resource manager, and a token that never changes. */
export function createArmClient(endpoint: string, token = "any"): ContainerRegistryManagementClient {
  const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
  const client = new ContainerRegistryManagementClient(credential, armScope.subscription, {
    endpoint,
    allowInsecureConnection: true,
  });
  // Its own policy sends no token over plain http, not even on loopback.
  client.pipeline.removePolicy({ name: "bearerTokenAuthenticationPolicy" });
  client.pipeline.addPolicy(
    {
      name: "bearerTokenOverLoopback",
      sendRequest: async (request, next) => {
        request.headers.set("authorization", `Bearer ${(await credential.getToken()).token}`);
        return await next(request);
      },
    },
    { phase: "Sign" },
  );
  return client;
}
