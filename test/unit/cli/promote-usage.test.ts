import { describe, expect, it } from "vitest";
import { startFakeApi } from "./fake-api.ts";
import { answersFor, succeededPromotion } from "./fake-promotions.ts";
import { runCli } from "./run-cli.ts";
import { useFiles } from "./temporary-files.ts";

const selection = ["--from", "dev.example", "--repository", "team/*"];
const files = useFiles();

describe("drayage promote: wrong usage", () => {
  const wrong: readonly (readonly [string, readonly string[], string])[] = [
    ["nothing at all", [], "give --from and --repository, or a file with -f"],
    ["no repositories", ["--from", "dev.example"], "--repository is missing"],
    ["a file and a selection", ["-f", "plan.yaml", "--from", "dev.example"], "cannot be used with"],
    ["a file that is not there", ["-f", "/nowhere/plan.yaml"], "/nowhere/plan.yaml cannot be read"],
    ["a range that is none", [...selection, "--semver", "new"], "--semver: is no semver range, e.g. >=1.2 <2"],
    ["a glob that is none", [...selection, "--tags", "v[1"], "--tags: is no glob"],
    ["a digest that is none", [...selection, "--digest", "latest"], "--digest: "],
    ["an unknown placeholder", [...selection, "--target-tag", "{date}"], "--target-tag: may hold {repository}"],
    ["too many at once", [...selection, "--max-concurrent", "501"], "--max-concurrent: "],
    ["a count that is none", [...selection, "--newest", "0"], "--newest"],
    ["an unknown policy", [...selection, "--conflict", "maybe"], "skipIfSame"],
    ["a label without value", [...selection, "--label", "team"], "KEY=VALUE"],
    ["--dry-run and --no-wait", [...selection, "--dry-run", "--no-wait"], "cannot be used with"],
    ["--dry-run and --junit", [...selection, "--dry-run", "--junit", "x.xml"], "cannot be used with"],
    ["--no-wait and --junit", [...selection, "--no-wait", "--junit", "x.xml"], "leave --no-wait out"],
    ["a JUnit file in no folder", [...selection, "--junit", "/dev/null/x.xml"], "/dev/null/x.xml cannot be written"],
  ];
  it.each(wrong)("refuses %s before anything is sent", async (_, args, said) => {
    await using api = await startFakeApi(answersFor([succeededPromotion]));

    const run = await runCli(["--endpoint", api.endpoint, "promote", ...args]);

    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain(said);
    expect(run.stdout).toBe("");
    expect(api.seen).toEqual([]);
  });

  const wrongFiles: readonly (readonly [string, string, string])[] = [
    ["no YAML", "source: [\n", ":2:1: "],
    ["a key twice", "maxConcurrent: 1\nmaxConcurrent: 2\n", ":2:1: Map keys must be unique"],
    ["no mapping", "- a\n- b\n", ": expected properties"],
    ["nothing", "", ": expected properties"],
    ["several documents", "maxConcurrent: 1\n---\nmaxConcurrent: 2\n", ":2:1: "],
    ["an unknown property", "source:\n  registry: r\n  repositories: [a]\n  tag: x\n", ":4:3 source.tag: no such"],
    ["a property too few", "source:\n  registry: r\n", ":1:1 source.repositories: is missing"],
    [
      "a number for a text",
      "source:\n  registry: r\n  repositories: [a]\n  tags:\n    include:\n      - v1\n      - 1.20\n",
      ":7:9 source.tags.include[1]: Invalid input: expected string, received number; put it in quotes",
    ],
    [
      "an item that is wrong",
      "items:\n  - source: r.example/a:1\n  - target: r.example\n",
      ":3:5 items[1].source: is missing",
    ],
  ];
  it.each(wrongFiles)("tells where a file holds %s", async (_, text, said) => {
    const path = await files.write("wrong.yaml", text);

    const run = await runCli(["promote", "-f", path]);

    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain(`error: ${path}${said}`);
  });

  it("tells every problem of a file, and does not repeat a password", async () => {
    const stdin = `items:
  - source: { sourceImage: r.example/a, credentials: { username: u, password: s3cret-value, user: s3cret-value } }
    mode: Force
  - source: r.example/b:1
    conflict: never
`;

    const run = await runCli(["promote", "-f", "-"], { stdin });

    expect(run.exitCode).toBe(2);
    expect(run.stderr.match(/standard input:\d+:\d+ items\[\d\]/g)).toHaveLength(3);
    expect(run.stderr).not.toContain("s3cret-value");
  });

  it("refuses aliases that unfold without end", async () => {
    const levels = Array.from({ length: 9 }, (_, at) => `l${at + 1}: &l${at + 1} [${`*l${at},`.repeat(9)}]`);
    const stdin = `l0: &l0 [x]\n${levels.join("\n")}\n`;

    const run = await runCli(["promote", "-f", "-"], { stdin });

    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain("Excessive alias count");
  });
});
