import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ruleSchema } from "../../../src/domain/rule-schema.ts";
import { aProblem, startFakeApi } from "./fake-api.ts";
import { echo, selection, selectionFlags } from "./resource-kit.ts";
import { runCli } from "./run-cli.ts";
import { useFiles } from "./temporary-files.ts";

const rule = ruleSchema.parse({ name: "team-to-prod", ...selection });
const files = useFiles();

describe("drayage rules", () => {
  it("lists them, or says that there are none", async () => {
    await using api = await startFakeApi((_, count) => ({ body: { rules: count === 2 ? [] : [rule] } }));

    const some = await runCli(["rules", "list", "--endpoint", api.endpoint]);
    const none = await runCli(["rules", "list", "--endpoint", api.endpoint]);
    const json = await runCli(["rules", "list", "--json", "--endpoint", api.endpoint]);

    expect(api.calls()[0]).toBe("GET /api/rules");
    expect(some.stdout).toBe(
      "RULE          STATE    IMAGES\nteam-to-prod  enabled  dev.example team/* → prod.example/mirror/{basename}:{tag}\n",
    );
    expect(none.stdout).toBe("No rules found.\n");
    expect(JSON.parse(json.stdout)).toEqual([rule]);
  });

  it("prints one as YAML that set takes back", async () => {
    await using api = await startFakeApi(({ method, body }) => ({ body: method === "GET" ? rule : body }));

    const shown = await runCli(["rules", "show", "team-to-prod", "--endpoint", api.endpoint]);
    const set = await runCli(["rules", "set", "-f", "-", "--endpoint", api.endpoint], { stdin: shown.stdout });

    expect(parse(shown.stdout)).toEqual(rule);
    expect(set.exitCode).toBe(0);
    expect(api.seen[1]).toMatchObject({ method: "PUT", url: "/api/rules/team-to-prod", body: rule });
  });

  it("makes one from flags", async () => {
    await using api = await startFakeApi(echo(201));
    const more = [
      "--tags",
      "v*",
      "--exclude",
      "*-rc",
      "--semver",
      ">=1.2",
      "--platform",
      "linux/amd64",
      "--label",
      "a=1",
    ];
    const naming = ["--target-repository", "mirror/{basename}", "--conflict", "skipIfSame", "--disabled"];

    const run = await runCli([
      ...["rules", "set", "--name", "a", ...selectionFlags, ...more, ...naming],
      ...["--endpoint", api.endpoint],
    ]);

    expect(run.exitCode).toBe(0);
    expect(run.stdout).toBe("Rule a is made, and disabled.\n");
    expect(api.calls()).toEqual(["PUT /api/rules/a"]);
    const body = api.seen[0]?.body;
    expect(body).toEqual({
      name: "a",
      enabled: false,
      source: {
        registry: "dev.example",
        repositories: ["team/*"],
        tags: { include: ["v*"], exclude: ["*-rc"], semver: ">=1.2" },
      },
      target: { registry: "prod.example", repository: "mirror/{basename}" },
      conflict: "skipIfSame",
      platforms: ["linux/amd64"],
      labels: { a: "1" },
    });
    expect(ruleSchema.safeParse(body).success).toBe(true);
  });

  it("replaces one from a file, under the name of the flag, and prints JSON", async () => {
    await using api = await startFakeApi(echo(200));
    const path = await files.write("rule.yaml", "source: { registry: dev.example, repositories: [team/] }\n");

    const text = await runCli(["rules", "set", "-f", path, "--name", "b", "--endpoint", api.endpoint]);
    const json = await runCli(["rules", "set", "-f", path, "--name", "b", "--json", "--endpoint", api.endpoint]);

    expect(text.stdout).toBe("Rule b is replaced.\n");
    expect(JSON.parse(json.stdout)).toMatchObject({ name: "b", source: { registry: "dev.example" } });
  });

  const wrong: readonly (readonly [string, readonly string[], string])[] = [
    ["no name", selectionFlags, "--name: is missing"],
    ["a name that is none", ["--name", "A", ...selectionFlags], "--name: expected lower-case letters"],
    ["no selection", ["--name", "a"], "give --from and --repository, or a file with -f"],
    ["what rules do not have", ["--name", "a", ...selectionFlags, "--newest", "3"], "--newest"],
    ["a file and flags", ["-f", "rule.yaml", ...selectionFlags], "cannot be used with"],
  ];
  it.each(wrong)("refuses to set %s before anything is sent", async (_, args, said) => {
    await using api = await startFakeApi(echo(200));

    const run = await runCli(["rules", "set", ...args, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain(said);
    expect(api.seen).toEqual([]);
  });

  it("tells the line of a rule file's problem", async () => {
    const path = await files.write(
      "wrong.yaml",
      "name: a\nsource:\n  registry: r\n  repositories: [a]\n  tags: { newest: 3 }\n",
    );

    const run = await runCli(["rules", "set", "-f", path]);

    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain(`${path}:5:11 source.tags.newest: no such property`);
  });

  it("tells what the service refuses", async () => {
    await using api = await startFakeApi(() => aProblem(400, "INVALID_REQUEST", { hint: "its target is its source" }));

    const run = await runCli(["rules", "set", "--name", "a", ...selectionFlags, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain("its target is its source");
  });

  it("deletes one, and ends with 6 when there is none", async () => {
    await using api = await startFakeApi((_, count) =>
      count === 1 ? { status: 204 } : aProblem(404, "RULE_NOT_FOUND"),
    );

    const deleted = await runCli(["rules", "delete", "a", "--endpoint", api.endpoint]);
    const missing = await runCli(["rules", "delete", "b/c", "--endpoint", api.endpoint]);

    expect(deleted.stdout).toBe("Rule a is deleted.\n");
    expect(missing.exitCode).toBe(6);
    expect(api.calls()).toEqual(["DELETE /api/rules/a", "DELETE /api/rules/b%2Fc"]);
  });
});

describe("drayage rules test", () => {
  const planned = {
    source: "dev.example/team/app:v1",
    target: "prod.example",
    targetTags: ["mirror/app:v1"],
    untaggedTargetRepositories: [],
    conflict: "overwrite",
  };
  const push = ["rules", "test", "a", "--repository", "team/app", "--tag", "v1"];

  it("shows what a push would import, and warnings", async () => {
    await using api = await startFakeApi(() => ({ body: { matches: true, import: planned, warnings: ["a loop"] } }));

    const run = await runCli([...push, "--digest", "sha256:x", "--registry", "r", "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(api.calls()).toEqual(["POST /api/rules/a/test"]);
    expect(api.seen[0]?.body).toEqual({ registry: "r", repository: "team/app", tag: "v1", digest: "sha256:x" });
    expect(run.stdout).toBe(
      [
        "Rule a matches; it would import (conflict: overwrite)",
        "  from dev.example/team/app:v1",
        "  to   prod.example/mirror/app:v1",
        "  warning: a loop",
        "",
      ].join("\n"),
    );
  });

  it.each([
    [{ matches: false, reason: "the tag is excluded", warnings: [] }, "Rule a does not match: the tag is excluded\n"],
    [{ matches: true, reason: "no tag", warnings: [] }, "Rule a matches, but nothing would be imported: no tag\n"],
  ])("ends with 1 when nothing would be imported: %j", async (body, said) => {
    await using api = await startFakeApi(() => ({ body }));

    const text = await runCli([...push, "--endpoint", api.endpoint]);
    const json = await runCli([...push, "--json", "--endpoint", api.endpoint]);

    expect([text.exitCode, json.exitCode]).toEqual([1, 1]);
    expect(text.stdout).toBe(said);
    expect(JSON.parse(json.stdout)).toEqual(body);
  });

  it.each([
    ["an event", '{"eventType": "Microsoft.ContainerRegistry.ImagePushed"}'],
    ["a delivery of one event", '[{"eventType": "Microsoft.ContainerRegistry.ImagePushed"}]'],
  ])("sends %s from a file", async (_, text) => {
    await using api = await startFakeApi(() => ({ body: { matches: true, import: planned } }));
    const path = await files.write("event.json", text);

    const run = await runCli(["rules", "test", "a", "-f", path, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(api.seen[0]?.body).toEqual({ event: { eventType: "Microsoft.ContainerRegistry.ImagePushed" } });
  });

  it.each([
    [[], "give --repository"],
    [["--repository", "a"], "--repository needs --tag or --digest"],
    [["-f", "event.json", "--tag", "v1"], "cannot be used with"],
    [["-f", "-"], "expected one event, not 2"],
  ])("refuses %j", async (args, said) => {
    const run = await runCli(["rules", "test", "a", ...args], { stdin: "[{}, {}]" });

    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain(said);
  });
});
