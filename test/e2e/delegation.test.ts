import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ArmEmulator, armIdOf, startArm } from "../helpers/arm-emulator.ts";
import { type Azurite, startAzurite } from "../helpers/azurite.ts";
import { failing } from "../helpers/faults-any.ts";
import { image } from "../helpers/images.ts";
import { openWorld, type World } from "./world.ts";

/** ACR's own import, started through an emulated Azure resource manager by an app that is signed in there. */

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

const firewall = {
  status: 403,
  code: "DENIED",
  message: "client with IP '203.0.113.9' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.",
} as const;
const app = image({ layers: [3_000, 200], seed: "delegated" });
const repository = "team/app";

interface Delegation extends AsyncDisposable {
  readonly world: World;
  readonly arm: ArmEmulator;
}

/** A source and a target that are ACRs, and the resource manager that knows them. */
async function openDelegation(options: { readonly sourceId?: string } = {}): Promise<Delegation> {
  const cleanup = new AsyncDisposableStack();
  const world = cleanup.use(await openWorld(azurite));
  const { source, target } = world;
  const registries = [
    { name: "src", loginServer: source.host },
    { name: "prod", loginServer: target.host },
  ];
  const arm = cleanup.use(await startArm({ registries, target, image: app }));
  await source.seedImage(repository, "1", app);
  const auth = { kind: "anonymous" };
  const entries = [
    { host: source.host, auth, profile: "acr", ...(options.sourceId && { resourceId: options.sourceId }) },
    { host: target.host, auth, profile: "acr" },
  ];
  const local = [source, target].flatMap(({ host, tokenHost }) => [host, tokenHost]);
  const settings = {
    ...arm.settings,
    ALLOW_PRIVATE_HOSTS: [...new Set([...local, arm.host])].join(","),
    REGISTRIES: JSON.stringify(entries),
  };
  const start: World["start"] = (changed) => world.start({ ...settings, ...changed });
  return { world: { ...world, start }, arm, [Symbol.asyncDispose]: () => cleanup.disposeAsync() };
}

const requestOf = ({ source }: World, more: object = {}) => ({
  source: `${source.host}/${repository}:1`,
  targetTags: [`${repository}:1`],
  strategy: "delegate",
  ...more,
});

describe("strategy delegate", () => {
  it("has ACR import by digest, and reads the digest back", async () => {
    await using delegation = await openDelegation();
    const { world, arm } = delegation;
    const service = await world.start();

    const record = await service.importAndWait(requestOf(world));

    expect(record).toMatchObject({
      state: "Succeeded",
      strategy: "delegate",
      target: { digest: app.root.digest },
      warnings: [],
    });
    expect(arm.imports).toEqual([
      {
        source: { registryUri: world.source.host, sourceImage: `${repository}@${app.root.digest}` },
        targetTags: [`${repository}:1`],
        untaggedTargetRepositories: [],
        mode: "NoForce",
      },
    ]);
    expect(world.target.countRequests({ kind: "upload-start" })).toBe(0);
    expect(await service.parts(record.id)).toMatchObject([{ digest: app.root.digest, state: "done", via: "copied" }]);
  });

  it("reads the source by the app's identity where the operator has given its resource id", async () => {
    await using delegation = await openDelegation({ sourceId: armIdOf("src") });
    const { world, arm } = delegation;
    const service = await world.start();

    const record = await service.importAndWait(requestOf(world, { conflict: "overwrite" }));

    expect(record.state).toBe("Succeeded");
    expect(arm.imports[0]).toMatchObject({ source: { resourceId: armIdOf("src") }, mode: "Force" });
  });

  it("hands credentials to ACR alone", async () => {
    await using delegation = await openDelegation();
    const { world, arm } = delegation;
    const credentials = { username: "puller", password: "open-sesame-open" };
    const source = { registryUri: world.source.host, sourceImage: `${repository}:1`, credentials };
    const service = await world.start();

    const record = await service.importAndWait(requestOf(world, { source }));

    expect(record.state).toBe("Succeeded");
    expect(arm.imports[0]?.source.credentials).toEqual(credentials);
    for (const table of ["Imports", "Secrets", "ImportParts"])
      expect(inspect(await world.rows(table), { depth: 9 })).not.toContain(credentials.password);
    expect(service.output()).not.toContain(credentials.password);
  });

  it("shows the manifests that ACR tells of, keeps the operation's URL sealed, and stops waiting when cancelled", async () => {
    await using delegation = await openDelegation();
    const { world, arm } = delegation;
    arm.hold();
    const service = await world.start();
    const { id } = await service.startImport(requestOf(world));
    await service.waitUntil(id, ({ progress }) => progress?.manifests.total === 1, "told of a manifest");

    const parts = await service.parts(id);
    const rows = inspect(await world.rows("Imports"), { depth: 9, maxStringLength: null });
    await service.cancel(id);
    const record = await service.waitForEnd(id);

    expect(parts).toMatchObject([{ kind: "manifest", repository, digest: app.root.digest, state: "pending" }]);
    expect(rows).not.toContain("operationResults");
    expect(record).toMatchObject({ state: "Cancelled", warnings: [expect.stringContaining("goes on by itself")] });
  });

  it("goes on with the operation after it was killed", async () => {
    await using delegation = await openDelegation();
    const { world, arm } = delegation;
    const operation = arm.hold();
    const killed = await world.start();
    const { id } = await killed.startImport(requestOf(world));
    await killed.waitUntil(id, ({ progress }) => progress?.manifests.total === 1, "told of a manifest");
    await killed.kill("SIGKILL");
    operation.finish();

    const record = await (await world.start()).waitForEnd(id);

    expect(record).toMatchObject({ state: "Succeeded", attempt: 1 });
    expect(arm.imports).toHaveLength(1);
  });

  it("takes the tag for its own when it was killed before it knew the operation, and ACR had gone on", async () => {
    await using delegation = await openDelegation();
    const { world, arm } = delegation;
    const begun = arm.swallowAnswer();
    const killed = await world.start();
    const { id } = await killed.startImport(requestOf(world));
    await begun;
    await killed.kill("SIGKILL");
    await world.target.seedImage(repository, "1", app); // ACR has finished what it was asked

    const record = await (await world.start()).waitForEnd(id);

    expect(record).toMatchObject({ state: "Succeeded", attempt: 1, target: { digest: app.root.digest } });
    expect(arm.imports).toHaveLength(1);
  });

  it("fails when somebody else took the tag while it was dead", async () => {
    await using delegation = await openDelegation();
    const { world, arm } = delegation;
    const begun = arm.swallowAnswer();
    const killed = await world.start();
    const { id } = await killed.startImport(requestOf(world));
    await begun;
    await killed.kill("SIGKILL");
    await world.target.seedImage(repository, "1", image({ layers: [10], seed: "another" }));

    const record = await (await world.start()).waitForEnd(id);

    expect(record).toMatchObject({ state: "Failed", error: { code: "TARGET_TAG_EXISTS", side: "target" } });
  });

  it("refuses a tag that exists before ACR is asked", async () => {
    await using delegation = await openDelegation();
    const { world, arm } = delegation;
    await world.target.seedImage(repository, "1", app);
    const service = await world.start();

    const failed = await service.importAndWait(requestOf(world));
    const skipped = await service.importAndWait(requestOf(world, { conflict: "skipIfSame" }));

    expect(failed).toMatchObject({ state: "Failed", error: { code: "TARGET_TAG_EXISTS" } });
    expect(skipped).toMatchObject({ state: "Skipped", target: { digest: app.root.digest } });
    expect(arm.imports).toEqual([]);
  });

  it("says which role is missing, and what ACR found wrong with the source", async () => {
    await using delegation = await openDelegation();
    const { world, arm } = delegation;
    const service = await world.start();
    const refused = {
      status: 403,
      code: "AuthorizationFailed",
      message: "does not have authorization to perform action",
    };
    arm.refuse(/importImage/, refused);

    const forbidden = await service.importAndWait(requestOf(world));
    arm.refuse(/importImage/, undefined);
    const message = `Operation registries-1 failed. Resource ${armIdOf("prod")} An error occurred when getting manifest. StatusCode: 401`;
    arm.hold().fail({ status: 400, code: "InvalidParameters", message });
    const failed = await service.importAndWait(requestOf(world));

    expect(forbidden.error).toMatchObject({
      ...{ code: "TARGET_FORBIDDEN", side: "target", registry: world.target.host, httpStatus: 403 },
      hint: expect.stringContaining("Container Registry Data Importer and Data Reader"),
    });
    expect(failed.error).toMatchObject({ code: "SOURCE_UNAUTHORIZED", side: "source", registry: world.source.host });
  });

  it("knows no registry of a host that Azure does not have", async () => {
    await using delegation = await openDelegation();
    const { world, arm } = delegation;
    arm.refuse(/GET .*\/registries$/, { status: 403, code: "AuthorizationFailed", message: "no right to read" });

    const record = await (await world.start()).importAndWait(requestOf(world));

    expect(record.error).toMatchObject({ code: "TARGET_FORBIDDEN", registry: world.target.host });
  });
});

describe("strategy auto", () => {
  const auto = { strategy: "auto" };

  it("leaves an import to ACR when the source's firewall keeps this service out, and says so", async () => {
    await using delegation = await openDelegation();
    const { world, arm } = delegation;
    world.source.addFault(failing(firewall));

    const record = await (await world.start()).importAndWait(requestOf(world, auto));

    expect(record).toMatchObject({
      state: "Succeeded",
      strategy: "delegate",
      target: { digest: app.root.digest },
      warnings: [expect.stringContaining("left to ACR's own import"), expect.stringContaining("was not compared")],
    });
    expect(arm.imports[0]?.source).toEqual({ registryUri: world.source.host, sourceImage: `${repository}:1` });
  });

  it("takes ACR's word when the target's firewall keeps this service out", async () => {
    await using delegation = await openDelegation();
    const { world } = delegation;
    world.target.addFault(failing(firewall));

    const record = await (await world.start()).importAndWait(requestOf(world, auto));

    expect(record).toMatchObject({
      state: "Succeeded",
      strategy: "delegate",
      warnings: [expect.anything(), expect.stringContaining("ACR's word alone")],
    });
    expect(world.target.tags(repository)["1"]).toBe(app.root.digest);
  });

  it.each([
    ["only this service can do what is asked for, and says so", { ...auto, platforms: ["linux/amd64"] }, ["platforms"]],
    ["this service is to copy", { strategy: "stream" }, []],
  ])("fails as before when %s", async (_, more, why) => {
    await using delegation = await openDelegation();
    const { world, arm } = delegation;
    world.source.addFault(failing(firewall));

    const record = await (await world.start()).importAndWait(requestOf(world, more));

    expect(record).toMatchObject({ state: "Failed", error: { code: "SOURCE_NETWORK_RESTRICTED", side: "source" } });
    expect(record.warnings).toEqual(why.map((text) => `not left to ACR's own import: it knows no ${text}`));
    expect(arm.imports).toEqual([]);
  });

  it("streams what it can reach", async () => {
    await using delegation = await openDelegation();
    const { world, arm } = delegation;

    const record = await (await world.start()).importAndWait(requestOf(world, auto));

    expect(record).toMatchObject({ state: "Succeeded", warnings: [] });
    expect(record.strategy).toBeUndefined();
    expect(arm.requests).toEqual([]);
  });
});

describe("source.resourceId", () => {
  const byId = { source: { resourceId: armIdOf("src"), sourceImage: `${repository}:1` }, strategy: "stream" };

  it("leads to the host that Azure tells, once for a process", async () => {
    await using delegation = await openDelegation();
    const { world, arm } = delegation;
    const service = await world.start();

    const record = await service.importAndWait(requestOf(world, byId));
    await service.importAndWait(requestOf(world, { ...byId, targetTags: [`${repository}:2`] }));

    expect(record).toMatchObject({ state: "Succeeded", source: { registry: world.source.host }, warnings: [] });
    expect(arm.requests).toEqual([`GET ${armIdOf("src")}`]);
  });

  it("is refused for a host that is not allowed, which only Azure could tell", async () => {
    await using delegation = await openDelegation();
    const { world } = delegation;

    const record = await (await world.start({ ALLOWED_SOURCES: "other.example" })).importAndWait(
      requestOf(world, byId),
    );

    expect(record).toMatchObject({
      state: "Failed",
      error: { code: "HOST_NOT_ALLOWED", side: "source", registry: world.source.host },
    });
  });

  it("is held to the allow-list by its name when the app may not ask Azure", async () => {
    await using delegation = await openDelegation();
    const { world, arm } = delegation;
    arm.refuse(/^GET/, { status: 403, code: "AuthorizationFailed", message: "no right to read" });

    const service = await world.start({ ALLOWED_SOURCES: "other.example" });
    const record = await service.importAndWait(requestOf(world, byId));

    expect(record).toMatchObject({ error: { code: "HOST_NOT_ALLOWED", registry: "src.azurecr.io" } });
  });
});
