import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkedRegistrySchema, registryListSchema, registryViewSchema } from "../../src/domain/registry-view.ts";
import { rateLimited } from "../helpers/faults-any.ts";
import { startRegistry, type TestRegistry } from "../helpers/registry.ts";
import { runCli } from "../unit/cli/run-cli.ts";
import { type Api, readProblem, startApi } from "./api-support/start-api.ts";

const password = "no-answer-shows-this";
let guarded: TestRegistry;
let api: Api;

beforeAll(async () => {
  guarded = await startRegistry({ auth: { kind: "bearer", users: { drayage: password } } });
  const auth = { kind: "password", username: "drayage", password };
  api = await startApi({
    settings: {
      ...{ INSECURE_HOSTS: guarded.host, ALLOW_PRIVATE_HOSTS: guarded.host },
      ...{ ALLOWED_SOURCES: `${guarded.host},source.example.org,*.example.com`, ALLOWED_TARGETS: guarded.host },
      DEFAULT_TARGET: guarded.host,
      REGISTRIES: JSON.stringify([
        { host: guarded.host, alias: "prod", auth, profile: "harbor", limits: { writesPerMinute: 600 } },
        { host: "*.example.com", auth: { kind: "anonymous" } },
      ]),
    },
  });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await guarded.close();
});

const pathOf = (host: string) => `/api/registries/${encodeURIComponent(host)}`;

describe("GET /api/registries", () => {
  it("lists those that the settings name one by one, without secrets, and asks none of them", async () => {
    const asked = guarded.requests.length;

    const response = await api.get("/api/registries");
    const text = await response.text();

    const { registries } = registryListSchema.parse(JSON.parse(text));
    expect(registries.map(({ allowedAs }) => allowedAs)).toEqual([["source", "target"], ["source"]]);
    expect(registries[0]).toMatchObject({
      ...{ host: guarded.host, alias: "prod", profile: "harbor", isDefaultTarget: true, isInsecure: true },
      auth: { kind: "password", username: "drayage" },
    });
    expect(text).not.toContain(password);
    expect(guarded.requests).toHaveLength(asked);
  });

  it.each([
    ["10.0.0.4", 403, "HOST_NOT_ALLOWED"],
    ["other.example.org", 403, "HOST_NOT_ALLOWED"],
    ["no host", 400, "INVALID_REFERENCE"],
  ])("refuses to look at %s", async (host, status, code) => {
    for (const response of [await api.get(pathOf(host)), await api.post(`${pathOf(host)}/check`, {})])
      expect(await readProblem(response)).toMatchObject({ status, code });
  });
});

describe("POST /api/registries/{host}/check", () => {
  it("finds by the settings' credentials what works", async () => {
    const response = await api.post(`${pathOf(guarded.host)}/check`, { repository: "team/app" });

    const { check } = checkedRegistrySchema.parse(await response.json());
    expect(check).toMatchObject({ repository: "team/app", signIn: { status: "ok" }, push: { status: "ok" } });
  });

  it("takes no body, and no unknown one", async () => {
    const none = await api.post(`${pathOf(guarded.host)}/check`);
    const unknown = await api.post(`${pathOf(guarded.host)}/check`, { repo: "team/app" });

    expect(checkedRegistrySchema.parse(await none.json()).check.push.status).toBe("unchecked");
    expect(await readProblem(unknown)).toMatchObject({ status: 400, code: "INVALID_REQUEST", property: "repo" });
  });

  it("is what drayage login-check prints", async () => {
    const run = await runCli(["login-check", "prod", "--repository", "team/app", "--endpoint", api.url]);

    expect(run.stdout).toContain(`${guarded.host}  harbor, signs in as drayage (password)\n  ✓ sign-in`);
    expect(run.stdout).toContain("✓ push     its tokens grant pushes to team/app");
    expect(run.exitCode).toBe(0);
  });
});

describe("a registry that asks to wait", () => {
  it("shows until when, by its alias too, and to who has the answer from before", async () => {
    const paths = ["/api/registries", pathOf(guarded.host)];
    const etags = await Promise.all(paths.map(async (path) => (await api.get(path)).headers.get("etag") ?? ""));
    const askAgain = () => Promise.all(paths.map((path, at) => api.get(path, { "if-none-match": etags[at] ?? "" })));
    expect((await askAgain()).map(({ status }) => status)).toEqual([304, 304]);
    guarded.addFault(rateLimited({ kind: "catalog", times: 1, retryAfter: "45" }));
    const checked = await api.post(`${pathOf("prod")}/check`, {});

    const view = registryViewSchema.parse(await (await api.get(pathOf("prod"))).json());

    expect(checkedRegistrySchema.parse(await checked.json()).check.list).toMatchObject({ code: "SOURCE_RATE_LIMITED" });
    expect(view.host).toBe(guarded.host);
    expect(view.pauses).toMatchObject([{ requests: "read", reason: expect.stringContaining("429") }]);
    expect((await askAgain()).map(({ status }) => status)).toEqual([200, 200]);
  });
});
