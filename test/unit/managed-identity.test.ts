import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { createManagedIdentity } from "../../src/managed-identity.ts";
import { createSignInServices } from "../../src/services-sign-in.ts";
import { startServer, type TestServer } from "../helpers/http-server.ts";

// One server and one file for all of them: the library remembers the endpoint that its process has used first.
let server: TestServer;

beforeAll(async () => {
  server = await startServer(({ headers, url }) => {
    if (headers["x-identity-header"] !== "id-header") return { status: 401 };
    const resource = new URL(url, "http://x").searchParams.get("resource");
    const expires_on = Math.floor(Date.now() / 1_000) + 3_600;
    const body = JSON.stringify({ access_token: `for ${resource}`, expires_on, resource, token_type: "Bearer" });
    return { status: 200, headers: { "content-type": "application/json" }, body };
  });
});

beforeEach(() => {
  vi.stubEnv("IDENTITY_ENDPOINT", `${server.origin}/msi/token`);
  vi.stubEnv("IDENTITY_HEADER", "id-header");
});

afterEach(() => {
  vi.unstubAllEnvs();
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

it("gets its tokens from the machine that it runs on, and shows no proxy the secret of the request", async () => {
  await using proxy = await startServer(() => ({ status: 502 }));
  vi.stubEnv("HTTPS_PROXY", proxy.origin);
  vi.stubEnv("NO_PROXY", "");
  const credential = await createManagedIdentity(undefined);

  const token = await credential.getToken("https://vault.azure.net/.default");

  expect(token?.token).toBe("for https://vault.azure.net");
  expect(proxy.requests).toEqual([]);
});

it("signs the app in at registries by the managed identity of App Service, once while the token lasts", async () => {
  const asked = server.requests.length;
  const at = { host: "prod.azurecr.io", isAcr: true };
  const config = { keyVaultUrl: undefined, sourceSecrets: [], clientId: undefined, workloadIdentity: undefined };
  const toCredentials = createSignInServices({ config, isEmbedded: false, now: () => new Date() });
  const credentials = toCredentials({ kind: "entra", identity: { kind: "app", clientId: undefined } }, at);
  if (credentials.kind !== "entra") throw new Error(`${credentials.kind} gives no token`);
  const { accessToken } = credentials;
  const place = { side: "target", registry: "prod.azurecr.io", stage: "resolve" } as const;
  const get = async () => await accessToken(place, new AbortController().signal);

  const tokens = [await get(), await get()];

  expect(tokens).toEqual(Array(2).fill("for https://containerregistry.azure.net"));
  expect(server.requests.length - asked).toBe(1);
});
