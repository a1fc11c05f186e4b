import { afterEach, expect, it, vi } from "vitest";
import { createManagedIdentity } from "../../src/managed-identity.ts";
import { startServer } from "../helpers/http-server.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

// In a file of its own: the library remembers the endpoint that its process has used first.
it("gets its tokens from the machine that it runs on, and shows no proxy the secret of the request", async () => {
  await using proxy = await startServer(() => ({ status: 502 }));
  await using server = await startServer(() => ({
    status: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ access_token: "t", expires_on: Math.floor(Date.now() / 1_000) + 3_600, resource: "r" }),
  }));
  vi.stubEnv("IDENTITY_ENDPOINT", `${server.origin}/msi/token`);
  vi.stubEnv("IDENTITY_HEADER", "id-header");
  vi.stubEnv("HTTPS_PROXY", proxy.origin);
  vi.stubEnv("NO_PROXY", "");
  const credential = await createManagedIdentity(undefined);

  const token = await credential.getToken("https://vault.azure.net/.default");

  expect(token?.token).toBe("t");
  expect(server.requests[0]?.headers["x-identity-header"]).toBe("id-header");
  expect(proxy.requests).toEqual([]);
});
