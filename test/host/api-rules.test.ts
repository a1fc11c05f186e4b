import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testRuleAnswerSchema } from "../../src/domain/rule-test.ts";
import { ruleListSchema } from "../../src/functions/triggers/rules.ts";
import { eventGridEvent } from "../helpers/push-events.ts";
import { type Api, readProblem, startApi } from "./api-support/start-api.ts";

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const aRule = (changes: object = {}) => ({
  source: { registry: api.source.host, repositories: ["team/*"] },
  target: { registry: api.target.host, repository: "prod/{basename}" },
  ...changes,
});

const put = (name: string, rule: object, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${api.url}/api/rules/${name}`, { method: "PUT", headers, body: JSON.stringify(rule) });

describe("rules", () => {
  it("are made, read, replaced, listed and deleted", async () => {
    const made = await put("crud", aRule());
    const etag = made.headers.get("etag") ?? "";
    expect([made.status, made.headers.get("location")]).toEqual([201, "/api/rules/crud"]);

    const read = await api.get("/api/rules/crud");
    expect([read.headers.get("etag"), await read.json()]).toEqual([etag, await made.json()]);
    expect((await api.get("/api/rules/crud", { "if-none-match": etag })).status).toBe(304);
    expect((await put("crud", aRule({ enabled: false }), { "if-match": etag })).status).toBe(200);
    const { rules } = ruleListSchema.parse(await (await api.get("/api/rules")).json());
    expect(rules.find(({ name }) => name === "crud")).toMatchObject({ enabled: false });
    expect((await api.delete("/api/rules/crud")).status).toBe(204);
    expect((await readProblem(await api.get("/api/rules/crud"))).code).toBe("RULE_NOT_FOUND");
  });

  it("are not written over what another has changed", async () => {
    const etag = (await put("etag", aRule())).headers.get("etag") ?? "";
    await put("etag", aRule({ labels: { by: "another" } }));

    const answers = [
      await put("etag", aRule(), { "if-match": etag }),
      await put("etag", aRule(), { "if-match": "nonsense" }),
      await put("etag", aRule(), { "if-none-match": "*" }),
      await fetch(`${api.url}/api/rules/etag`, { method: "DELETE", headers: { "if-match": etag } }),
    ];

    expect(answers.map(({ status }) => status)).toEqual([412, 412, 412, 412]);
  });

  it.each<[string, string, () => object, number, string]>([
    ["a name that is none", "Not_A_Name", aRule, 400, "name"],
    ["two names", "one", () => aRule({ name: "two" }), 400, "name"],
    ["a registry that is not allowed", "one", () => aRule({ target: { registry: "other.example" } }), 403, "target"],
    [
      "a bad glob",
      "one",
      () => aRule({ source: { registry: "dev", repositories: ["a b"] } }),
      400,
      "source.repositories[0]",
    ],
    [
      "a bad range",
      "one",
      () => aRule({ source: { ...aRule().source, tags: { semver: "x.y.z.q" } } }),
      400,
      "source.tags.semver",
    ],
    ["a template that makes no name", "one", () => aRule({ target: { tag: "{digest}" } }), 400, "target.tag"],
    ["an unknown property", "one", () => aRule({ when: "always" }), 400, "when"],
  ])("are refused for %s", async (_, name, rule, status, property) => {
    const problem = await readProblem(await put(name, rule()));

    expect(problem).toMatchObject({ status, property });
  });
});

describe("POST /api/rules/{name}/test", () => {
  const ask = async (name: string, body: object) => {
    const response = await api.post(`/api/rules/${name}/test`, body);
    expect(response.status).toBe(200);
    return testRuleAnswerSchema.parse(await response.json());
  };
  const digest = `sha256:${"a".repeat(64)}`;

  it("says what a push would import, by name and by event", async () => {
    await put("tested", aRule());

    const byName = await ask("tested", { repository: "team/app", tag: "1", digest });
    const byEvent = await ask("tested", {
      event: eventGridEvent({ host: api.source.host, repository: "team/app", tag: "1", digest }),
    });

    expect(byName).toEqual({
      matches: true,
      import: {
        source: `${api.source.host}/team/app:1@${digest}`,
        target: api.target.host,
        ...{ targetTags: ["prod/app:1"], untaggedTargetRepositories: [], conflict: "overwrite" },
      },
      warnings: [],
    });
    expect(byEvent).toEqual(byName);
  });

  it("says why not", async () => {
    await put("not", aRule({ enabled: false }));

    expect(await ask("not", { repository: "else/app", tag: "1" })).toEqual({
      matches: false,
      reason: expect.stringContaining("else/app"),
      warnings: [expect.stringContaining("not enabled")],
    });
    expect(await ask("not", { event: { eventType: "x" } })).toMatchObject({ matches: false });
  });

  it("judges a definition in the body in place of the stored one, and stores nothing", async () => {
    await put("drafted", aRule());
    const rule = aRule({ source: { registry: api.source.host, repositories: ["lib/*"] } });
    const ruleRows = async () =>
      Object.values(await api.rows())
        .flat()
        .filter((key) => key.startsWith("rules "));
    const before = await ruleRows();

    const ofDraft = await ask("drafted", { rule, repository: "lib/app", tag: "1" });
    const ofStored = await ask("drafted", { repository: "lib/app", tag: "1" });
    const ofNew = await ask("never-saved", { rule, repository: "team/app", tag: "1" });

    expect(ofDraft).toMatchObject({ matches: true, import: { targetTags: ["prod/app:1"] } });
    expect(ofStored.matches).toBe(false);
    expect(ofNew).toMatchObject({ matches: false, reason: expect.stringContaining("team/app") });
    expect(before).toContain("rules drafted");
    expect(await ruleRows()).toEqual(before);
    expect((await readProblem(await api.get("/api/rules/never-saved"))).code).toBe("RULE_NOT_FOUND");
  });

  it.each<[string, () => object, number, string]>([
    ["another name", () => aRule({ name: "two" }), 400, "name"],
    ["a registry that is not allowed", () => aRule({ target: { registry: "other.example" } }), 403, "target"],
    ["a bad glob", () => aRule({ source: { registry: "dev", repositories: ["a b"] } }), 400, "source.repositories[0]"],
    ["a template that makes no name", () => aRule({ target: { tag: "{digest}" } }), 400, "target.tag"],
    ["an unknown property", () => aRule({ when: "always" }), 400, "when"],
  ])("refuses a definition for %s as PUT does", async (_, rule, status, property) => {
    const asked = await api.post("/api/rules/one/test", { rule: rule(), repository: "team/app", tag: "1" });
    const saved = await put("one", rule());

    const problem = await readProblem(asked);
    expect(problem).toMatchObject({ status, property });
    expect(await readProblem(saved)).toEqual(problem);
  });

  it.each([{}, { tag: "1" }, { repository: "team/app" }, { event: {}, repository: "team/app", tag: "1" }])(
    "refuses %j",
    async (body) => {
      await put("asked", aRule());

      expect((await readProblem(await api.post("/api/rules/asked/test", body))).code).toBe("INVALID_REQUEST");
    },
  );
});
