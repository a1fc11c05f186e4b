import { describe, expect, it } from "vitest";
import { createRegistries } from "../../../../src/domain/registries.ts";
import { authSchema } from "../../../../src/domain/registry-auth.ts";
import { createOpenRepositories } from "../../../../src/functions/open-repositories.ts";
import { createCheckRegistry } from "../../../../src/functions/registries/check-registry.ts";
import type { BearerOptions } from "../../../../src/local/registry/tokens.ts";
import type { Credentials } from "../../../../src/registry/registry.ts";
import { createSignInServices } from "../../../../src/services-sign-in.ts";
import { createUploadCanceller } from "../../../../src/transfer/upload-canceller.ts";
import { failing, silent } from "../../../helpers/faults-any.ts";
import { image } from "../../../helpers/images.ts";
import { createTestNetwork } from "../../../helpers/network.ts";
import { startRegistry, type TestRegistry, type TestRegistryOptions } from "../../../helpers/registry.ts";
import { createTestClient, type TestClientOptions } from "../../../helpers/registry-client.ts";

const noSignIn = { keyVaultUrl: undefined, sourceSecrets: [], clientId: undefined, workloadIdentity: undefined };
const users = { pusher: "p-1" };
const pusher = authSchema.parse({ kind: "password", username: "pusher", password: "p-1" });
const never = async () => {
  throw new Error("no stored secret was expected");
};

interface WorldOptions extends TestRegistryOptions {
  /** Undefined: the settings have no entry. */
  readonly entry?: typeof pusher | undefined;
  /** In place of those that the entry gives. */
  readonly credentials?: Credentials;
  readonly isTarget?: boolean;
  readonly checkMs?: number;
  readonly client?: TestClientOptions;
}

async function openWorld({
  entry = pusher,
  credentials,
  isTarget = true,
  checkMs = 30_000,
  client,
  ...options
}: WorldOptions = {}) {
  const registry = await startRegistry(options);
  const testClient = createTestClient(client);
  const { host } = registry;
  const ofSettings = createSignInServices({ config: noSignIn, isEmbedded: false, now: () => new Date() });
  const repositories = createOpenRepositories({
    client: testClient,
    registries: createRegistries([{ host, auth: entry }], undefined),
    toCredentials: (signIn, place) => credentials ?? ofSettings(signIn, place),
    insecureHosts: [host],
    secrets: { read: never, replace: never },
  });
  const allow = {
    ...{ allowedSources: undefined, defaultTarget: undefined, namedHosts: [host] },
    allowedTargets: isTarget ? [host] : [],
  };
  const { giveUp } = createUploadCanceller({ sleep: testClient.clock.sleep });
  const check = createCheckRegistry({ repositories, allow, checkMs, now: () => new Date(), giveUp });
  return {
    registry,
    check: (repository?: string) => check(host, repository),
    [Symbol.asyncDispose]: async () => {
      await testClient[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}

const bearer = (options: Partial<BearerOptions> = {}): BearerOptions => ({ kind: "bearer", users, ...options });
const writes = (registry: TestRegistry) =>
  registry.countRequests(({ method }) => method !== "GET" && method !== "HEAD");
const anonymous = authSchema.parse({ kind: "anonymous" });

describe("a check of a registry with tokens", () => {
  it("reads the right to push from the token, and writes nothing", async () => {
    await using world = await openWorld({ auth: bearer() });
    await world.registry.seedImage("team/app", "latest", image());

    const found = await world.check("team/app");

    expect(found).toMatchObject({
      repository: "team/app",
      signIn: { status: "ok", detail: "it takes the credentials" },
      pull: { status: "ok", detail: "team/app may be read" },
      push: { status: "ok", detail: "its tokens grant pushes to team/app" },
      list: { status: "ok" },
    });
    expect(writes(world.registry)).toBe(0);
  });

  it("says that a token grants pulls alone, and the cure", async () => {
    const mayAccess: BearerOptions["mayAccess"] = (_, __, action) => action !== "push";
    await using world = await openWorld({ auth: bearer({ mayAccess }) });

    const { pull, push } = await world.check("team/app");

    expect(pull.status).toBe("ok");
    expect(push).toMatchObject({
      ...{ status: "failing", code: "TARGET_FORBIDDEN" },
      detail: expect.stringContaining("grant pull alone in team/app"),
      hint: expect.stringContaining("AcrPush"),
    });
    expect(writes(world.registry)).toBe(0);
  });

  it("sees a right that was given since the last check", async () => {
    let isPusher = false;
    await using world = await openWorld({
      auth: bearer({ mayAccess: (_, __, action) => isPusher || action !== "push" }),
    });

    const before = await world.check("team/app");
    isPusher = true;
    const after = await world.check("team/app");

    expect([before.push.status, after.push.status]).toEqual(["failing", "ok"]);
  });

  it("tries a wrong password once, and nothing after it", async () => {
    await using world = await openWorld({ auth: bearer({ users: { pusher: "another" } }) });

    const found = await world.check("team/app");

    expect(found.signIn).toMatchObject({
      ...{ status: "failing", code: "SOURCE_UNAUTHORIZED" },
      hint: expect.stringContaining("user name or password is wrong"),
    });
    expect(found.push).toEqual({ status: "unchecked", detail: "not tried, since signing in fails" });
    expect(world.registry.tokenRequests).toHaveLength(1);
  });

  it("goes on where nobody signs in and the token service wants somebody: a repository may be public", async () => {
    await using world = await openWorld({ entry: anonymous, auth: bearer(), isTarget: false });

    const found = await world.check("team/app");

    expect(found.signIn.status).toBe("unchecked");
    expect(found.pull).toMatchObject({ status: "failing", code: "SOURCE_UNAUTHORIZED" });
  });

  it("finds that anonymous pulls work", async () => {
    await using world = await openWorld({ entry: anonymous, auth: bearer({ anonymous: "pull" }), isTarget: false });

    const found = await world.check("team/app");

    expect(found).toMatchObject({
      signIn: { status: "ok", detail: "it lets in whoever does not sign in" },
      pull: { status: "ok", detail: expect.stringContaining("has no tag latest, or is not there") },
      push: { status: "unchecked", hint: expect.stringContaining("ALLOWED_TARGETS") },
    });
  });
});

describe("a check of an Azure Container Registry", () => {
  it("signs in by the Entra identity, with one exchange and no token without a scope", async () => {
    await using world = await openWorld({
      credentials: { kind: "entra", account: "the app", accessToken: async () => "entra-token" },
      auth: bearer({ entra: (token) => (token === "entra-token" ? "the app" : undefined) }),
    });

    const found = await world.check("team/app");

    expect(found).toMatchObject({ signIn: { status: "ok" }, pull: { status: "ok" }, push: { status: "ok" } });
    const asked = world.registry.tokenRequests;
    expect(asked.filter(({ path }) => path === "/oauth2/exchange")).toHaveLength(1);
    expect(asked.filter(({ path, scopes }) => path === "/oauth2/token" && scopes.length === 0)).toEqual([]);
  });
});

describe("a check of a registry without tokens", () => {
  it("opens an upload in the named repository and cancels it", async () => {
    await using world = await openWorld({ auth: { kind: "basic", users } });

    const { push } = await world.check("team/app");

    expect(push).toEqual({ status: "ok", detail: "an upload to team/app was opened and cancelled" });
    expect(world.registry.countRequests({ kind: "upload-start" })).toBe(1);
    expect(world.registry.openSessions()).toEqual([]);
  });

  it("opens none where no repository is named", async () => {
    await using world = await openWorld({ auth: { kind: "basic", users } });

    const found = await world.check();

    expect(found).toMatchObject({
      signIn: { status: "ok" },
      pull: { status: "unchecked", detail: expect.stringContaining("name a repository") },
      push: { status: "unchecked" },
    });
    expect(writes(world.registry)).toBe(0);
  });

  it("says that the credentials are not used where nobody is asked for any", async () => {
    await using world = await openWorld();

    expect((await world.check()).signIn.detail).toContain("the credentials are not used");
  });
});

describe("a check of a registry that refuses", () => {
  it("calls it neither source nor target, and sends nobody to the credentials of requests", async () => {
    const wrong = authSchema.parse({ kind: "password", username: "pusher", password: "other" });
    for (const kind of ["basic", "bearer"] as const) {
      await using world = await openWorld({ entry: wrong, auth: { kind, users } });

      const { signIn } = await world.check("team/app");

      expect(signIn).toMatchObject({ status: "failing", code: "SOURCE_UNAUTHORIZED" });
      expect(signIn.detail).toMatch(/^GET .* was answered 401/);
      expect(signIn.detail).toContain("user name or password is wrong or has expired: check the registry's entry");
      expect(signIn.detail).not.toContain("source");
    }
  });

  it("says that it lists no repositories", async () => {
    const noCatalog = failing({ kind: "catalog", status: 401, code: "UNAUTHORIZED" });
    await using world = await openWorld({ faults: [noCatalog] });

    const found = await world.check("team/app");

    expect(found.list).toMatchObject({ status: "failing", code: "SOURCE_CATALOG_REFUSED" });
    expect(found.pull.status).toBe("ok");
  });

  it("tells a firewall's refusal from others", async () => {
    const message = "client with IP '203.0.113.9' is not allowed access";
    await using world = await openWorld({ faults: [failing({ status: 403, code: "DENIED", message })] });

    expect((await world.check("team/app")).signIn).toMatchObject({
      ...{ status: "failing", code: "SOURCE_NETWORK_RESTRICTED" },
      detail: expect.stringContaining("203.0.113.9"),
    });
  });

  it("ends when it does not answer", async () => {
    await using world = await openWorld({ faults: [silent({})], checkMs: 100 });

    expect((await world.check("team/app")).signIn).toEqual({
      status: "failing",
      detail: "it did not answer in time, or is paused",
    });
  });

  it("sends nothing to an address that the operator has not opened", async () => {
    await using world = await openWorld({ client: { network: createTestNetwork({ isInsecure: () => true }) } });

    expect((await world.check("team/app")).signIn).toMatchObject({ status: "failing", code: "HOST_NOT_ALLOWED" });
    expect(world.registry.requests).toEqual([]);
  });
});
