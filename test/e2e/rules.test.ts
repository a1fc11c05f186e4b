import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../src/digest.ts";
import type { ImportView } from "../../src/domain/import-view.ts";
import { importPageSchema } from "../../src/domain/import-view.ts";
import { hookAnswerSchema } from "../../src/functions/triggers/post-hook.ts";
import { type Azurite, startAzurite } from "../helpers/azurite.ts";
import { type DockerRegistry, startDockerRegistry } from "../helpers/docker-registry.ts";
import { image, pushImage, type TestImage } from "../helpers/images.ts";
import { needs } from "../helpers/needs.ts";
import { cloudEvent, eventGridEvent, type PushedImage } from "../helpers/push-events.ts";
import { startRegistry, type TestRegistry } from "../helpers/registry.ts";
import { type Service, settingsFor, startService } from "../helpers/service.ts";
import { inspectRaw } from "../helpers/skopeo.ts";

const hookSecret = "a-secret-of-the-registry";
const webhook = "/runtime/webhooks/eventgrid?functionName=onRegistryEvent";

let azurite: Azurite;
const cleanup = new AsyncDisposableStack();
let source: TestRegistry;
let target: TestRegistry;
let service: Service;

beforeAll(async () => {
  azurite = cleanup.use(await startAzurite());
  source = cleanup.use(await startRegistry());
  target = cleanup.use(await startRegistry());
  service = await startRuled(source, target);
});
afterAll(() => cleanup.disposeAsync());

async function startRuled(from: { readonly host: string }, to: { readonly host: string }): Promise<Service> {
  const directory = await mkdtemp(join(tmpdir(), "rules-"));
  cleanup.defer(() => rm(directory, { recursive: true, force: true }));
  const settings = settingsFor({ source: from.host, target: to.host }, { HOOK_SECRETS: `distribution:${hookSecret}` });
  return cleanup.use(await startService({ directory, storage: azurite.connectionString, settings }));
}

const put = (name: string, rule: object, on = service) => on.request("PUT", `/api/rules/${name}`, rule);
const deliver = (events: unknown, type = "Notification", on = service) =>
  on.request("POST", webhook, events, { "aeg-event-type": type });

/** Everything that events have started for a repository, newest first. */
async function startedFor(repository: string, on = service): Promise<readonly ImportView[]> {
  const { status, text } = await on.request("GET", "/api/imports?limit=200");
  expect(status, text).toBe(200);
  return importPageSchema.parse(JSON.parse(text)).imports.filter((view) => view.source?.repository === repository);
}

/** The one import that events have started for a repository, once it has ended. */
async function endedFor(repository: string, on = service): Promise<ImportView> {
  const [view, ...others] = await startedFor(repository, on);
  expect(others).toEqual([]);
  if (view === undefined) throw new Error(`nothing was started for ${repository}\n${on.output()}`);
  return await on.waitForEnd(view.id);
}

/** A rule for one repository, and an image that is pushed to it. */
async function aPush(repository: string, rule: object = {}): Promise<{ pushed: TestImage; told: PushedImage }> {
  const name = repository.replace("/", "-");
  const made = await put(name, {
    source: { registry: source.host, repositories: [repository] },
    target: { registry: target.host },
    ...rule,
  });
  expect(made.status, made.text).toBe(201);
  const pushed = await source.seedImage(repository, "1", image({ layers: [1_000], seed: repository }));
  return { pushed, told: { host: source.host, repository, tag: "1", digest: pushed.root.digest } };
}

describe.runIf(needs("skopeo", "docker-registry"))("a push event between two docker-registry processes", () => {
  it("starts the import that a rule says, under the digest that was pushed", async () => {
    const registries: readonly DockerRegistry[] = await Promise.all([startDockerRegistry(), startDockerRegistry()]);
    for (const registry of registries) cleanup.use(registry);
    const [from = source, to = target] = registries;
    const ruled = await startRuled(from, to);
    const pushed = image({ layers: [2_000], seed: "docker" });
    await pushImage(from.host, "team/app", "v1", pushed);
    const rule = {
      source: { registry: from.host, repositories: ["team/*"], tags: { include: ["v*"] } },
      target: { registry: to.host, repository: "prod/{basename}", tag: "{tag}-ok" },
      labels: { by: "rule" },
    };
    expect((await put("team", rule, ruled)).status).toBe(201);

    const told = { host: from.host, repository: "team/app", tag: "v1", digest: pushed.root.digest };
    const answer = await deliver([eventGridEvent(told)], "Notification", ruled);

    expect(answer.status, answer.text).toBe(202);
    expect(await endedFor("team/app", ruled)).toMatchObject({
      state: "Succeeded",
      trigger: { kind: "eventGrid", ref: "team" },
      labels: { by: "rule" },
      target: { registry: to.host, tags: ["prod/app:v1-ok"], digest: pushed.root.digest },
    });
    expect(digestOf(await inspectRaw(`${to.host}/prod/app:v1-ok`))).toBe(pushed.root.digest);
  });
});

describe("push events", () => {
  it("start one import however often and in whatever schema they come", async () => {
    const { told } = await aPush("twice/app");

    const answers = [
      await deliver([eventGridEvent(told), eventGridEvent(told)]),
      await deliver([eventGridEvent(told)]),
      await deliver(cloudEvent(told)),
    ];

    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(await endedFor("twice/app")).toMatchObject({ state: "Succeeded" });
  });

  it("that are of no use leave their siblings alone, and a line in the log", async () => {
    const { told } = await aPush("batch/app");

    const answer = await deliver([
      { id: "1", eventType: "Microsoft.ContainerRegistry.ImageDeleted", data: {} },
      { nonsense: true },
      eventGridEvent({ ...told, host: "unknown.azurecr.io" }),
      eventGridEvent({ ...told, repository: "Not A Repository" }),
      eventGridEvent(told),
    ]);

    expect(answer.status).toBe(202);
    expect(await endedFor("batch/app")).toMatchObject({ state: "Succeeded" });
    expect(service.output()).toContain("no rule matches");
    expect(service.output()).toContain("ImageDeleted");
  });

  it("that come late, after the tag has moved on, end as superseded", async () => {
    const { told } = await aPush("moved/app");
    const newer = await source.seedImage("moved/app", "1", image({ layers: [1_000], seed: "newer" }));

    await deliver([eventGridEvent({ ...told, digest: newer.root.digest, at: "2026-03-01T12:00:01Z" })]);
    await endedFor("moved/app");
    await deliver([eventGridEvent({ ...told, at: "2026-03-01T12:00:00Z" })]);

    const started = await startedFor("moved/app");
    const ended = await Promise.all(started.map(({ id }) => service.waitForEnd(id)));
    expect(ended.map(({ state }) => state)).toEqual(["Succeeded", "Skipped"]);
    expect(ended[1]?.warnings).toEqual([expect.stringMatching(/^SUPERSEDED: .*moved\/app:1 is sha256:/)]);
    expect(target.tags("moved/app")).toEqual({ 1: newer.root.digest });
  });

  it("of what was deleted meanwhile end as superseded, and fail nothing", async () => {
    const { told, pushed } = await aPush("deleted/app");
    const path = `${source.url}/v2/deleted/app/manifests`;
    for (const reference of ["1", pushed.root.digest]) await fetch(`${path}/${reference}`, { method: "DELETE" });

    await deliver([eventGridEvent(told)]);

    const view = await endedFor("deleted/app");
    expect(view).toMatchObject({ state: "Skipped", warnings: [expect.stringContaining("is gone by now")] });
    expect(view).not.toHaveProperty("error");
    expect(target.tags("deleted/app")).toEqual({});
  });

  it("that echo an import of our own copy nothing", async () => {
    const { told } = await aPush("echo/app", { target: { registry: target.host, repository: "mirror/app" } });
    await put("echo-back", {
      source: { registry: target.host, repositories: ["mirror/app"] },
      target: { registry: source.host, repository: "echo/app" },
    });
    await deliver([eventGridEvent(told)]);
    await endedFor("echo/app");

    await deliver([eventGridEvent({ ...told, host: target.host, repository: "mirror/app" })]);

    expect(await endedFor("mirror/app")).toMatchObject({ state: "Skipped", warnings: [] });
  });

  it("without a tag copy by digest, once", async () => {
    const { told, pushed } = await aPush("untagged/app");
    const { tag: _, ...byDigest } = told;
    await deliver([eventGridEvent(byDigest)]);
    expect(await endedFor("untagged/app")).toMatchObject({
      state: "Succeeded",
      target: { tags: [], untaggedRepositories: ["untagged/app"], digest: pushed.root.digest },
    });

    await deliver([eventGridEvent({ ...byDigest, at: "2026-03-01T13:00:00Z" })]);

    const [second] = await startedFor("untagged/app");
    expect(second && (await service.waitForEnd(second.id))).toMatchObject({ state: "Skipped" });
  });

  it("are answered in the handshakes of both schemas", async () => {
    const validated = await deliver([{ id: "1", data: { validationCode: "abc" } }], "SubscriptionValidation");
    const asked = await service.request("OPTIONS", webhook, undefined, { "webhook-request-origin": "eventgrid" });

    expect(JSON.parse(validated.text)).toEqual({ validationResponse: "abc" });
    expect([asked.status, asked.headers.get("webhook-allowed-origin")]).toEqual([200, "eventgrid"]);
  });
});

describe("a webhook", () => {
  const notification = ({ host, repository, tag, digest }: PushedImage) => ({
    events: [
      {
        id: "n-1",
        timestamp: "2026-03-01T12:00:00.5Z",
        action: "push",
        target: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, repository, tag },
        request: { host, method: "PUT" },
      },
      { id: "n-2", timestamp: "2026-03-01T12:00:00Z", action: "pull", target: { repository, digest } },
    ],
  });

  it("with the secret starts what the rules say", async () => {
    const { told } = await aPush("hooked/app");

    const { status, text } = await service.request("POST", "/api/hooks/distribution", notification(told), {
      authorization: `Bearer ${hookSecret}`,
    });

    expect(status, text).toBe(200);
    const { imports, ignored } = hookAnswerSchema.parse(JSON.parse(text));
    expect([imports.map(({ rule }) => rule), ignored]).toEqual([["hooked-app"], 1]);
    const trigger = { kind: "webhook", ref: "hooked-app" };
    expect(await endedFor("hooked/app")).toMatchObject({ id: imports[0]?.importId, state: "Succeeded", trigger });
  });

  it("that is forged starts nothing, and nothing of it is logged", async () => {
    const { told } = await aPush("forged/app");

    const forged = await service.request("POST", "/api/hooks/distribution?secret=guessed-secret", notification(told), {
      authorization: "Bearer guessed-secret",
    });

    expect([forged.status, JSON.parse(forged.text).code]).toEqual([401, "UNAUTHORIZED"]);
    expect(await startedFor("forged/app")).toEqual([]);
    expect(service.output()).toContain('"event":"hook-refused","kind":"distribution"');
    expect(service.output()).not.toMatch(/guessed-secret|forged\/app:/);
  });

  it("of a kind that has no secret is not taken", async () => {
    const answer = await service.request("POST", "/api/hooks/harbor", {});

    expect([answer.status, JSON.parse(answer.text).code]).toEqual([404, "HOOK_NOT_FOUND"]);
    expect(service.output()).not.toContain(hookSecret);
  });
});
