import { expect, it } from "vitest";
import { refreshTokenUser } from "../../../../src/domain/sign-in.ts";
import { credentialsForAcr } from "../../../../src/functions/delegation/credentials-for-acr.ts";
import { startRegistry } from "../../../helpers/registry.ts";
import { type AccessOptions, createTestClient, thrownBy } from "../../../helpers/registry-client.ts";

const never = new AbortController().signal;
const entra = { kind: "entra", account: "somebody", accessToken: async () => "entra-token" } as const;

/** What ACR is given for a source at `host` that signs in by an Entra token. */
async function given(host: string, credentialsFrom: AccessOptions["credentialsFrom"]) {
  await using client = createTestClient({ limits: { attempts: 1 } });
  const source = client.repository(host, { credentials: entra, credentialsFrom, profile: "acr" });
  const refreshToken = () => client.exchange(source.registry.access, never);
  return await credentialsForAcr({ repositories: { refreshToken }, now: client.clock.now }, source, never);
}

it.each(["entry", "settings"] as const)(
  "gives ACR the source's refresh token in place of an Entra token of the settings (%s)",
  async (from) => {
    await using registry = await startRegistry({
      auth: { kind: "bearer", users: {}, entra: (token) => (token === "entra-token" ? "app" : undefined) },
    });

    const credentials = await given(registry.host, from);

    expect(credentials?.username).toBe(refreshTokenUser);
    expect(credentials?.password).not.toBe("entra-token");
    expect(registry.tokenRequests.map(({ path }) => path)).toEqual(["/oauth2/exchange"]);
  },
);

it("shows no Entra token of the settings to Azure where the source gives nothing for it, but asks for the resource id", async () => {
  const thrown = await thrownBy(() => given("127.0.0.1:1", "entry"));

  expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", side: "source", registry: "127.0.0.1:1" });
  expect(String(thrown)).toContain("the resourceId");
});

it("leaves a request's own Entra token to ACR where the source is out of reach", async () => {
  expect(await given("127.0.0.1:1", "request")).toEqual({ password: "entra-token" });
});
