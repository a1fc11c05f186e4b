import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type ArmFailure, armErrorSchema } from "../../src/domain/arm-error.ts";
import { armScope, createArmClient } from "../helpers/arm-client.ts";
import { image, index, multiPlatformImage } from "../helpers/images.ts";
import { type Api, startApi } from "./api-support/start-api.ts";

let api: Api;
let client: ReturnType<typeof createArmClient>;
let registryName = "";
const app = image({ layers: [1_000, 2_000] });

beforeAll(async () => {
  api = await startApi();
  client = createArmClient(api.url);
  registryName = api.target.host.replace(/[^a-z0-9]/g, "");
  await api.source.seedImage("team/app", "1", app);
  await api.source.seedImage("team/multi", "1", multiPlatformImage());
  await api.source.seedImage("team/fresh", "1", index({ children: [{ image: image({ layers: [4_000] }) }] }));
});
afterAll(() => api[Symbol.asyncDispose]());

const { subscription, group } = armScope;
const registriesPath = `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.ContainerRegistry/registries`;
const importPath = (name = registryName) => `${registriesPath}/${name}/importImage?api-version=2025-11-01`;

function parametersFor(targetTag: string, sourceImage = "team/app:1") {
  return { source: { registryUri: api.source.host, sourceImage }, targetTags: [targetTag] };
}

const statesSchema = z.record(z.string(), z.string());
const resourceSchema = z.looseObject({
  value: z
    .array(z.looseObject({ id: z.string(), name: z.string().optional(), subscriptionId: z.string().optional() }))
    .optional(),
});

/** The last answer of an operation, which may have taken longer than the service waits. */
async function ended(posted: Promise<Response>): Promise<Response> {
  let response = await posted;
  for (const location = response.headers.get("location") ?? ""; response.status === 202; )
    response = await fetch(location);
  return response;
}

/** As a client that does not wait for small images. */
const respondAsync = { prefer: "respond-async" } as const;

async function readFailure(response: Response): Promise<ArmFailure> {
  const body: unknown = await response.json();
  return { status: response.status, body: armErrorSchema.parse(body) };
}

describe("importImage by @azure/arm-containerregistry", () => {
  it("returns at once for a small image", async () => {
    await client.registries.importImage(group, registryName, parametersFor("small/app:1"));

    expect(api.target.tags("small/app")["1"]).toBe(app.root.digest);
  });

  it("polls until a longer one is over", async () => {
    const hold = api.source.hold({ kind: "manifest-get" });
    const statuses: (string | undefined)[] = [];
    const poller = client.registries.importImage(group, registryName, parametersFor("polled/app:1"), {
      updateIntervalInMs: 50,
      requestOptions: { headers: respondAsync },
    });
    poller.onProgress(({ status }) => {
      statuses.push(status);
      hold.release();
    });
    await poller;

    expect(statuses).toContain("running");
    expect(api.target.tags("polled/app")["1"]).toBe(app.root.digest);
  });

  it("fails for a tag that exists, with ACR's sentence, and replaces it by Force", async () => {
    await client.registries.importImage(group, registryName, parametersFor("taken/app:1", "team/multi:1"));

    await expect(
      client.registries.importImage(group, registryName, parametersFor("taken/app:1")),
    ).rejects.toMatchObject({
      statusCode: 409,
      code: "Conflict",
      message: expect.stringContaining("Tag taken/app:1 already exists in target registry."),
    });
    await client.registries.importImage(group, registryName, { ...parametersFor("taken/app:1"), mode: "Force" });
    expect(api.target.tags("taken/app")["1"]).toBe(app.root.digest);
  });

  it("tells of a failure that polling found, with Drayage's own error in it", async () => {
    const poller = client.registries.importImage(group, registryName, parametersFor("none/app:1", "team/none:1"), {
      updateIntervalInMs: 50,
      requestOptions: { headers: respondAsync },
    });

    const failure = await poller.then(undefined, (thrown: unknown) => thrown);
    expect(failure).toMatchObject({ statusCode: 400, code: "InvalidParameters" });
    expect(failure).toMatchObject({
      message: expect.stringMatching(
        /^Operation registries-[0-9A-Z]{26} failed\. Resource \/subscriptions\/.* source 127\.0\.0\.1:\d+: .* \(SOURCE_NOT_FOUND\)$/,
      ),
    });
  });

  it("finds the registries that imports may go to", async () => {
    const names: (string | undefined)[] = [];
    for await (const { name, loginServer, sku } of client.registries.list()) {
      names.push(name);
      expect(loginServer).toBe(api.target.host);
      expect(sku.tier).toBe("Premium");
    }
    for await (const { name } of client.registries.listByResourceGroup(group)) names.push(name);
    const found = await client.registries.get(group, registryName);

    expect(names).toEqual([registryName, registryName]);
    expect(found).toMatchObject({ id: `${registriesPath}/${registryName}`, loginServer: api.target.host });
    await expect(client.registries.get(group, "nobody")).rejects.toMatchObject({
      statusCode: 404,
      code: "ResourceNotFound",
    });
  });
});

describe("POST importImage", () => {
  it("answers 202 with an address, and each manifest's state as soon as it is known", async () => {
    const hold = api.source.hold({ kind: "blob-get" });
    const parameters = parametersFor("states/multi:1", "team/fresh:1");
    const response = await api.post(importPath(), parameters, respondAsync);
    await hold.reached;

    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({ status: "Accepted" });
    expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
    const location = response.headers.get("location") ?? "";
    expect(location).toMatch(
      new RegExp(
        `^${api.url}/subscriptions/${subscription}/providers/Microsoft\\.ContainerRegistry/locations/[a-z]+/operationResults/registries-[0-9A-Z]{26}\\?api-version=2025-11-01$`,
      ),
    );
    const running = await fetch(location);
    expect(running.status).toBe(202);
    expect(running.headers.get("location")).toBe(location);
    const { status, ...manifests } = statesSchema.parse(await running.json());
    expect(status).toBe("Accepted");
    expect(Object.keys(manifests).every((name) => /^states\/multi@sha256:[0-9a-f]{64}$/.test(name))).toBe(true);
    expect(Object.values(manifests)).toContain("Pending");

    hold.release();
    const [, id = ""] = /registries-([0-9A-Z]{26})/.exec(location) ?? [];
    await api.untilState(id, "Succeeded");
    const over = await fetch(location);
    expect(over.status).toBe(200);
    expect(over.headers.get("location")).toBeNull();
    expect(new Set(Object.values(statesSchema.parse(await over.json())))).toEqual(new Set(["Succeeded"]));
  });

  it("begins one import for a request that a client repeats", async () => {
    const headers = { ...respondAsync, "x-ms-client-request-id": randomUUID() };
    const send = () => api.post(importPath(), parametersFor("again/app:1"), headers);
    const [first, second] = await Promise.all([send(), send()]);
    const location = first.headers.get("location") ?? "";
    const [, id = ""] = /registries-([0-9A-Z]{26})/.exec(location) ?? [];
    await api.untilState(id, "Succeeded");
    const late = await send();

    expect(second.headers.get("location")).toBe(location);
    expect(late.status).toBe(200); // and not a conflict with the tag that it has made itself
    const { trigger } = await api.untilState(id, "Succeeded");
    expect(trigger).toEqual({ kind: "arm", ref: headers["x-ms-client-request-id"] });
  });

  it("mixes up no two requests under one id", async () => {
    const headers = { "x-ms-correlation-request-id": "build-7" };
    await ended(api.post(importPath(), parametersFor("mixed/app:1"), headers));
    await ended(api.post(importPath(), parametersFor("mixed/app:2"), headers));

    expect(Object.keys(api.target.tags("mixed/app")).sort()).toEqual(["1", "2"]);
  });

  it("takes any case of the path, any version, nulls, and no version at all", async () => {
    const path = importPath().toLowerCase().replace(/\?.*/, "");
    const body = { ...parametersFor("cases/app:1"), untaggedTargetRepositories: null, mode: "noforce" };

    expect((await ended(api.post(`${path}?API-VERSION=1999-01-01-preview`, body))).status).toBe(200);
    expect((await ended(api.post(path, { ...body, mode: "force" }))).status).toBe(200);
  });

  it("takes the resource id that the list of registries gives to a source", async () => {
    await api.target.seedImage("own/app", "1", app);
    const resourceId = `${registriesPath}/${registryName}`;
    const body = { source: { resourceId, sourceImage: "own/app:1" }, targetTags: ["own/copy:1"] };
    const settled = await api.post(importPath(), body);

    // The service here may not import from its target: that it was understood shows in the host it names.
    expect(await readFailure(settled)).toMatchObject({
      status: 403,
      body: { error: { code: "RequestDisallowedByPolicy", message: expect.stringContaining(api.target.host) } },
    });
  });

  it.each<[string, object, string | undefined]>([
    ["a source that is missing", { source: undefined }, "source"],
    ["what it does not know", { sauce: 1 }, "sauce"],
    ["a target beside the path's", { target: "x.azurecr.io" }, "target"],
    ["a dry run", { dryRun: true }, "dryRun"],
    ["a reference that is none", { source: { registryUri: "docker.io", sourceImage: "A" } }, "source.sourceImage"],
  ])("refuses %s", async (_, change, target) => {
    const response = await api.post(importPath(), { ...parametersFor("bad/app:1"), ...change });

    expect(await readFailure(response)).toMatchObject({
      status: 400,
      body: { error: { code: "InvalidParameters", target } },
    });
  });

  it("knows no registry that imports may not go to", async () => {
    const response = await api.post(importPath("nobody"), parametersFor("x/app:1"));

    expect(await readFailure(response)).toMatchObject({ status: 404, body: { error: { code: "ResourceNotFound" } } });
  });

  it("says that a cancelled operation was cancelled", async () => {
    const hold = api.source.hold({ kind: "manifest-get" });
    const response = await api.post(importPath(), parametersFor("stopped/app:1"), respondAsync);
    await hold.reached;
    const location = response.headers.get("location") ?? "";
    const [, id = ""] = /registries-([0-9A-Z]{26})/.exec(location) ?? [];
    await api.post(`/api/imports/${id}/cancel`);
    await api.untilState(id, "Cancelled");

    expect(await readFailure(await fetch(location))).toMatchObject({
      status: 409,
      body: { error: { code: "OperationCanceled" } },
    });
  });

  it("shows no operation that did not begin here", async () => {
    const { id } = await api.importAndWait({ source: `${api.source.host}/team/app:1`, targetTags: ["http/app:1"] });
    const base = `/subscriptions/${subscription}/providers/Microsoft.ContainerRegistry/locations/x/operationResults`;

    for (const path of [`${base}/registries-${id}`, `${base}/registries-none`])
      expect(await readFailure(await api.get(path))).toMatchObject({
        status: 404,
        body: { error: { code: "NotFound" } },
      });
  });
});

describe("what the Azure CLI asks", () => {
  /** Each as the CLI sends it: facts of azure-cli 2.45.0. */
  const authorization = { authorization: "Bearer eyJ0eXAi.e30.c2ln" } as const;
  const ask = async (path: string) => {
    const response = await api.get(path, authorization);
    expect(response.status, path).toBe(200);
    return resourceSchema.parse(await response.json());
  };

  it("is answered from login to the end of az acr import", async () => {
    const { value: subscriptions = [] } = await ask("/subscriptions?api-version=2019-11-01");
    await ask("/tenants?api-version=2019-11-01");
    const subscriptionId = subscriptions[0]?.subscriptionId;
    const filter = encodeURIComponent("resourceType eq 'Microsoft.ContainerRegistry/registries'");
    const { value: resources = [] } = await ask(
      `/subscriptions/${subscriptionId}/resources?$filter=${filter}&api-version=2021-04-01`,
    );
    const id = resources.find(({ name }) => name === registryName)?.id;
    const registry = await ask(`${id}?api-version=2022-02-01-preview`);
    const { value: registries } = await ask(
      `/subscriptions/${subscriptionId}/providers/Microsoft.ContainerRegistry/registries?api-version=2022-02-01-preview`,
    );
    const posted = await api.post(
      `${id}/importImage?api-version=2022-02-01-preview`,
      { ...parametersFor("cli/app:1"), mode: "NoForce" },
      { ...authorization, ...respondAsync },
    );
    const answer = await ended(Promise.resolve(posted));

    expect(subscriptions[0]).toMatchObject({ id: `/subscriptions/${subscriptionId}`, state: "Enabled" });
    expect(registry).toMatchObject({ sku: { name: "Premium" }, properties: { loginServer: api.target.host } });
    expect(registries).toEqual([registry]);
    expect(posted.status).toBe(202);
    expect(answer.status).toBe(200);
    expect(api.target.tags("cli/app")["1"]).toBe(app.root.digest);
  });

  it("finds nothing of other types or names", async () => {
    const path = (filter: string) => `/subscriptions/${subscription}/resources?$filter=${encodeURIComponent(filter)}`;

    expect(await ask(path("resourceType eq 'Microsoft.Web/sites'"))).toEqual({ value: [] });
    expect(await ask(path("name eq 'x' and resourceType eq 'Microsoft.ContainerRegistry/registries'"))).toEqual({
      value: [],
    });
  });

  it("is told where to sign in before it has", async () => {
    expect(await (await api.get("/metadata/endpoints?api-version=2015-01-01")).json()).toMatchObject({
      authentication: { loginEndpoint: "https://login.microsoftonline.com" },
    });
  });
});
