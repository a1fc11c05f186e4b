import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DockerRegistry, startDockerRegistry } from "../helpers/docker-registry.ts";
import { multiPlatformImage } from "../helpers/images.ts";
import { needs } from "../helpers/needs.ts";
import { startRegistry, type TestRegistry } from "../helpers/registry.ts";
import { type Service, settingsFor, startService } from "../helpers/service.ts";
import { inspectRaw } from "../helpers/skopeo.ts";
import { startTokenRealm, type TokenRealm } from "../helpers/token-realm.ts";
import { runCli } from "../unit/cli/run-cli.ts";

/** Debian's docker-registry with `auth.token`: it believes nobody but the certificate of its token service. */
describe.runIf(needs("skopeo", "docker-registry"))("docker-registry behind a token service", () => {
  const cleanup = new AsyncDisposableStack();
  const reader = { username: "reader", password: "password-of-the-reader" };
  const writer = { username: "writer", password: "password-of-the-writer" };
  const asReader = `${reader.username}:${reader.password}`;
  const app = multiPlatformImage({ attestations: "perPlatform", seed: "token auth" });
  let realm: TokenRealm;
  let open: TestRegistry;
  let first: DockerRegistry;
  let second: DockerRegistry;
  /** Its entry in REGISTRIES has the reader, who may not push. */
  let readOnly: DockerRegistry;
  let service: Service;

  beforeAll(async () => {
    realm = await startTokenRealm({
      [reader.username]: { password: reader.password, actions: ["pull"] },
      [writer.username]: { password: writer.password, actions: ["pull", "push"] },
    });
    cleanup.use(realm);
    open = cleanup.use(await startRegistry());
    [first, second, readOnly] = await Promise.all([
      startDockerRegistry(realm.auth),
      startDockerRegistry(realm.auth),
      startDockerRegistry(realm.auth),
    ]);
    for (const registry of [first, second, readOnly]) cleanup.use(registry);
    await open.seedImage("team/app", "1", app);
    const directory = await mkdtemp(join(tmpdir(), "token-auth-"));
    cleanup.defer(() => rm(directory, { recursive: true, force: true }));
    const targets = [first, second, readOnly].map(({ host }) => host).join(",");
    const hosts = `${targets},${open.host},${realm.host}`;
    service = await startService({
      directory,
      settings: settingsFor(
        { source: open.host, target: targets },
        {
          ...{ DEFAULT_TARGET: first.host, INSECURE_HOSTS: hosts, ALLOW_PRIVATE_HOSTS: hosts },
          REGISTRIES: JSON.stringify([
            { host: first.host, auth: { kind: "password", ...writer } },
            { host: second.host, auth: { kind: "password", ...writer } },
            { host: readOnly.host, auth: { kind: "password", ...reader } },
          ]),
        },
      ),
    });
    cleanup.use(service);
    await service.importAndWait({ source: `${open.host}/team/app:1` });
  });
  afterAll(() => cleanup.disposeAsync());

  const fromFirst = (credentials: object) => ({
    registryUri: first.host,
    sourceImage: "team/app:1",
    credentials,
  });

  it("takes pushes by the credentials of the settings", async () => {
    expect(Buffer.from(await inspectRaw(`${first.host}/team/app:1`, asReader)).equals(app.root.bytes)).toBe(true);
  });

  it("is pulled from by those of the request, with a right to pull alone", async () => {
    const record = await service.importAndWait({ source: fromFirst(reader), target: second.host });

    expect(record).toMatchObject({ state: "Succeeded", target: { digest: app.root.digest } });
    expect(Buffer.from(await inspectRaw(`${second.host}/team/app:1`, asReader)).equals(app.root.bytes)).toBe(true);
  });

  it("refuses a wrong password, which is tried once", async () => {
    const before = realm.requests.length;

    const record = await service.importAndWait({
      source: fromFirst({ ...reader, password: "wrong" }),
      targetTags: ["team/wrong:1"],
    });

    expect(record).toMatchObject({
      state: "Failed",
      error: { code: "SOURCE_UNAUTHORIZED", side: "source", registry: first.host },
    });
    const isWrong = ({ headers }: { readonly headers: { readonly authorization?: string | undefined } }) =>
      headers.authorization === `Basic ${Buffer.from(`${reader.username}:wrong`).toString("base64")}`;
    expect(realm.requests.slice(before).filter(isWrong)).toHaveLength(1);
  });

  it("refuses a push by one who may only pull, and login-check says so before", async () => {
    const check = await runCli(["login-check", readOnly.host, "--repository", "team/app", "--endpoint", service.url]);
    const record = await service.importAndWait({ source: `${open.host}/team/app:1`, target: readOnly.host });

    expect(check.stdout).toContain("✗ push     its tokens grant pull alone in team/app");
    expect(check.stdout).toContain("✗ list     the registry does not list its repositories (401)");
    expect(check.exitCode).toBe(1);
    expect(record).toMatchObject({
      state: "Failed",
      error: { code: "TARGET_UNAUTHORIZED", side: "target", registry: readOnly.host },
    });
  });
});
