import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/digest.ts";
import { createRegistries, registryEntrySchema } from "../../../src/domain/registries.ts";
import { firstSecretRow } from "../../../src/domain/secret-row.ts";
import { refreshTokenUser, type SourceCredentials } from "../../../src/domain/sign-in.ts";
import { createLeaveToAcr } from "../../../src/functions/delegation/leave-to-acr.ts";
import { holdRow } from "../../../src/functions/held-row.ts";
import { createOpenRepositories } from "../../../src/functions/open-repositories.ts";
import { headBlob } from "../../../src/registry/blobs.ts";
import { createSignInServices } from "../../../src/services-sign-in.ts";
import type { StoredImport } from "../../../src/store/imports.ts";
import type { Secrets } from "../../../src/store/secrets.ts";
import { anImportId, aRecord } from "../../helpers/import-records.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { createTestClient } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;
const digest = digestOf(Buffer.from("content"));
const id = anImportId();
const noSignIn = { keyVaultUrl: undefined, sourceSecrets: [], clientId: undefined, workloadIdentity: undefined };

const nowSeconds = Math.floor(Date.parse("2026-11-24T12:00:00.000Z") / 1_000); // of the test client's clock

/** An Entra token, or what looks like one, that ends so many seconds from now. */
function entraJwt(seconds: number): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part({ exp: nowSeconds + seconds })}.c2ln`;
}

/** One import whose credentials are kept in memory, at a registry that signs in as an ACR does. */
async function openWorld(given: SourceCredentials, profile?: string) {
  const taken: Readonly<Record<string, string>> = { "entra-token": "puller", [entraJwt(3_600)]: "puller" };
  const registry = await startRegistry({
    auth: {
      ...{ kind: "bearer", users: {} },
      entra: (token) => Object.entries(taken).find(([known]) => known === token)?.[1],
    },
  });
  const client = createTestClient();
  const sealed = new Map([[firstSecretRow(id).name, given]]);
  const secrets: Pick<Secrets, "read" | "replace"> = {
    read: async ({ name }) => sealed.get(name),
    replace: async ({ name }, credentials) => sealed.has(name) && sealed.set(name, credentials).size > 0,
  };
  const auth = { kind: "anonymous" } as const;
  const repositories = createOpenRepositories({
    client,
    registries: createRegistries(profile === undefined ? [] : [{ host: registry.host, auth, profile }], undefined),
    toCredentials: createSignInServices({ config: noSignIn, isEmbedded: false, now: () => new Date() }),
    insecureHosts: [registry.host],
    secrets,
  });
  const { spec, ...rest } = aRecord({ id, hasCredentials: true });
  const record = { ...rest, spec: { ...spec, source: { ...spec.source, registry: registry.host } } };
  return {
    ...{ registry, repositories, record, sealed },
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}

describe("an Entra access token that a request brings", () => {
  it("is exchanged in the first step: from then on the refresh token is what is sealed and signs in", async () => {
    await using world = await openWorld({ password: "entra-token" }, "acr");
    const { repositories, record, registry, sealed } = world;

    await repositories.toResolve(record, never);
    const { source } = await repositories.ofImport(record, "copy");
    await headBlob(source, digest, never);

    const kept = sealed.get("source");
    expect(kept?.username).toBe(refreshTokenUser);
    expect(kept?.password).not.toBe("entra-token");
    expect(registry.tokenRequests.map(({ path, user }) => `${path} ${user}`)).toEqual([
      "/oauth2/exchange puller",
      "/oauth2/token puller",
    ]);
  });

  it("is exchanged where the import is left to ACR from the beginning, too", async () => {
    await using world = await openWorld({ password: "entra-token" }, "acr");
    const { repositories, record, sealed } = world;
    let row: StoredImport = { record, etag: "1" };
    const imports = {
      replace: async (changed: StoredImport) => {
        row = changed;
        return row;
      },
      update: async () => Promise.reject(new Error("nobody else writes")),
    };
    const leave = createLeaveToAcr({
      ...{ repositories, now: () => new Date() },
      findRegistries: { targetId: async () => Promise.reject(new Error("not asked for")) },
    });

    await leave.asRequested(holdRow(imports, row), never).catch(() => undefined); // there is no image

    expect(sealed.get("source")?.username).toBe(refreshTokenUser);
  });

  it("is exchanged once, however often the step is repeated", async () => {
    await using world = await openWorld({ password: "entra-token" }, "acr");
    const { repositories, record, registry } = world;

    for (const _ of [1, 2]) await repositories.toResolve(record, never);

    expect(registry.tokenRequests).toHaveLength(1);
  });

  it("ends the import at once when it has expired", async () => {
    await using world = await openWorld({ password: "expired-token" }, "acr");
    const { repositories, record, registry, sealed } = world;

    const opened = repositories.toResolve(record, never);

    await expect(opened).rejects.toMatchObject({
      ...{ code: "SOURCE_UNAUTHORIZED", side: "source", registry: registry.host, retryable: false },
      message: expect.stringContaining("the Entra token has expired"),
    });
    expect(sealed.get("source")).toEqual({ password: "expired-token" });
    expect(registry.tokenRequests).toHaveLength(1);
  });

  it("says that a fresh one is needed when it has expired before the first step", async () => {
    await using world = await openWorld({ password: entraJwt(-1) }, "acr");
    const { repositories, record, registry } = world;

    const opened = repositories.toResolve(record, never);

    await expect(opened).rejects.toMatchObject({
      ...{ code: "CREDENTIALS_REQUIRED", side: "source", registry: registry.host, retryable: false },
      message: expect.stringContaining("the token given has expired"),
    });
  });

  it("is refused, and not called expired, while its time is not over", async () => {
    await using world = await openWorld({ password: entraJwt(60) }, "acr");

    const opened = world.repositories.toResolve(world.record, never);

    await expect(opened).rejects.toMatchObject({ code: "SOURCE_UNAUTHORIZED" });
  });

  it("leaves a refresh token that tells when it ends, and a fresh one is needed after that", async () => {
    await using world = await openWorld({ password: entraJwt(3_600) }, "acr");
    const { repositories, record, registry, sealed } = world;
    const { credentialsEndAt } = await repositories.toResolve(record, never);
    sealed.set("source", { username: refreshTokenUser, password: entraJwt(-1) });
    registry.revokeRefreshTokens();

    const { source } = await repositories.ofImport(record, "copy");
    const read = headBlob(source, digest, never);

    expect(credentialsEndAt).toBeInstanceOf(Date);
    await expect(read).rejects.toMatchObject({
      ...{ code: "CREDENTIALS_REQUIRED", side: "source", registry: registry.host, stage: "copy", httpStatus: 401 },
      message: expect.stringContaining("/retry"),
    });
  });

  it("is an identity token where the registry is no ACR, and shown to its realm as that", async () => {
    await using world = await openWorld({ password: "entra-token" });
    const { repositories, record, registry } = world;
    const { source } = await repositories.toResolve(record, never);

    await headBlob(source, digest, never).catch(() => undefined);

    expect(registry.tokenRequests.map(({ path, status }) => `${path} ${status}`)).toEqual(["/oauth2/token 401"]);
  });
});

describe("credentials of a request", () => {
  it("are asked for anew when they are gone", async () => {
    await using world = await openWorld({ username: "u", password: "p" });
    world.sealed.clear();

    await expect(world.repositories.ofImport(world.record, "copy")).rejects.toMatchObject({
      code: "CREDENTIALS_REQUIRED",
      registry: world.registry.host,
    });
  });
});

describe("a mirror", () => {
  const auth = { kind: "anonymous" } as const;
  const { spec } = aRecord({ sourceRegistry: "docker.io", targetRegistry: "prod.example" });
  const hub = {
    host: "docker.io",
    auth: { kind: "password", username: "hub", password: "of-hub" },
    mirror: "m.example",
  };
  const entries = registryEntrySchema.array().parse([hub, { host: "m.example", auth, profile: "harbor" }]);

  async function hostsOf(given: SourceCredentials | undefined) {
    await using client = createTestClient();
    const repositories = createOpenRepositories({
      ...{ client, registries: createRegistries(entries, undefined), insecureHosts: [] },
      toCredentials: createSignInServices({ config: noSignIn, isEmbedded: false, now: () => new Date() }),
      secrets: { read: async () => undefined, replace: async () => false },
    });
    const { source, targets } = repositories.ofSpec(spec, given, "resolve");
    const targetAtHub = repositories.registryOf("docker.io");
    return { source: source.registry, target: targets[0]?.registry.access.registry, targetAtHub };
  }

  it("is what a source is read from, with its own sign-in and profile, and never what is written to", async () => {
    const { source, target, targetAtHub } = await hostsOf(undefined);

    expect(source.access).toMatchObject({ registry: "m.example", credentials: { kind: "anonymous" } });
    expect(source.profile.name).toBe("harbor");
    expect(target).toBe("prod.example");
    expect(targetAtHub.access.registry).toBe("docker.io");
  });

  it("is not shown what a request brings for the registry itself", async () => {
    const { source } = await hostsOf({ username: "u", password: "p" });

    expect(source.access).toMatchObject({ registry: "docker.io", credentials: { username: "u" } });
  });
});
