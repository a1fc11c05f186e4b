import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { armErrorSchema } from "../../src/domain/arm-error.ts";
import { armScope, createArmClient } from "../helpers/arm-client.ts";
import { type DockerRegistry, startDockerRegistry } from "../helpers/docker-registry.ts";
import { startServer } from "../helpers/http-server.ts";
import { multiPlatformImage, pushImage } from "../helpers/images.ts";
import { needs } from "../helpers/needs.ts";
import { type Service, settingsFor, startService } from "../helpers/service.ts";
import { inspectTree } from "../helpers/skopeo.ts";

const tenantId = "11111111-2222-3333-4444-555555555555";
const oid = "66666666-7777-8888-9999-aaaaaaaaaaaa";
const audience = "https://management.azure.com";
const apiKey = "a-key-of-twenty-characters";
const registryName = "prodregistry";

/** A script for Azure, with this service as its resource manager: tokens of a tenant, two registries, and skopeo as judge. */
describe.runIf(needs("skopeo", "docker-registry"))("a client of Azure's resource manager", () => {
  const cleanup = new AsyncDisposableStack();
  let source: DockerRegistry;
  let target: DockerRegistry;
  let service: Service;
  let tokenFor: (principal: string) => Promise<string>;

  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), "arm-"));
    cleanup.defer(() => rm(directory, { recursive: true, force: true }));
    [source, target] = await Promise.all([startDockerRegistry(), startDockerRegistry()]);
    cleanup.use(source);
    cleanup.use(target);
    const { publicKey, privateKey } = await generateKeyPair("RS256");
    const published = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "k", use: "sig" }] });
    const entra = cleanup.use(await startServer(() => ({ status: 200, body: published })));
    tokenFor = (principal) =>
      new SignJWT({ tid: tenantId, oid: principal, iss: `${entra.origin}/${tenantId}/v2.0`, aud: audience })
        .setProtectedHeader({ alg: "RS256", kid: "k" })
        .setExpirationTime("10m")
        .sign(privateKey);
    const hosts = [source.host, target.host, new URL(entra.origin).host].join(",");
    const settings = settingsFor(
      { source: source.host, target: target.host },
      {
        REGISTRIES: JSON.stringify([{ host: target.host, alias: registryName, auth: { kind: "anonymous" } }]),
        ...{ INSECURE_HOSTS: hosts, ALLOW_PRIVATE_HOSTS: hosts },
        API_KEYS: apiKey,
        ARM_TENANT_ID: tenantId,
        ARM_AUTHORITY: entra.origin,
        ARM_ALLOWED_PRINCIPALS: oid,
      },
    );
    service = cleanup.use(await startService({ directory, settings }));
    await pushImage(source.host, "team/app", "1", multiPlatformImage());
  });
  afterAll(() => cleanup.disposeAsync());

  it("imports an image byte for byte", async () => {
    const client = createArmClient(service.url, await tokenFor(oid));

    await client.registries.importImage(armScope.group, registryName, {
      source: { registryUri: source.host, sourceImage: "team/app:1" },
      targetTags: ["mirror/app:1"],
      mode: "NoForce",
    });

    expect(await inspectTree(`${target.host}/mirror/app:1`)).toEqual(await inspectTree(`${source.host}/team/app:1`));
  });

  it("imports from the registry itself by the resource id that the service gives it", async () => {
    const client = createArmClient(service.url, await tokenFor(oid));
    await pushImage(target.host, "own/app", "1", multiPlatformImage({ seed: "own" }));
    const { id = "" } = await client.registries.get(armScope.group, registryName);

    await client.registries.importImage(armScope.group, registryName, {
      source: { resourceId: id, sourceImage: "own/app:1" },
      targetTags: ["own/copy:1"],
    });

    expect(await inspectTree(`${target.host}/own/copy:1`)).toEqual(await inspectTree(`${target.host}/own/app:1`));
  });

  it("is told why it may not come in", async () => {
    const path = "/subscriptions?api-version=2019-11-01";
    const nobody = await service.request("GET", path);
    const stranger = await service.request("GET", path, undefined, {
      authorization: `Bearer ${await tokenFor(tenantId)}`,
    });
    const withKey = await service.request("GET", path, undefined, { "x-functions-key": apiKey });

    expect(nobody.status).toBe(401);
    expect(nobody.headers.get("www-authenticate")).toContain(`/${tenantId}"`);
    expect(armErrorSchema.parse(JSON.parse(nobody.text)).error.code).toBe("AuthenticationFailed");
    expect(stranger.status).toBe(403);
    expect(armErrorSchema.parse(JSON.parse(stranger.text)).error.code).toBe("AuthorizationFailed");
    expect(withKey.status).toBe(200);
    expect(service.output()).not.toContain(apiKey);
  });
});
