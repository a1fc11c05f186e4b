import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { formatCommand, whatNext } from "../../../src/local/demo-run.ts";

describe("the end of the demo", () => {
  it("says how dashboard and client reach the service where it goes on", () => {
    const said = whatNext("http://127.0.0.1:7000");

    expect(said).toContain("http://127.0.0.1:7000/\n");
    expect(said).toContain("export DRAYAGE_ENDPOINT=http://127.0.0.1:7000\n");
    expect(said).not.toContain("--keep");
  });

  it("offers to leave everything running where it ends", () => {
    const said = whatNext(undefined);

    expect(said).toContain("npm run demo -- --keep --open");
    expect(said).not.toMatch(/dashboard {2}|ENDPOINT/);
  });
});

describe("a command that the demo shows", () => {
  it("is one that a shell takes as it was run", () => {
    const args = ["--semver", ">=1.0", "--repository", "release/*", "{basename}", "it's", "127.0.0.1:5001/a:1", ""];

    const shown = formatCommand(["printf", "%s\\n", ...args]);

    expect(execFileSync("sh", ["-c", shown], { encoding: "utf8" })).toBe(`${args.join("\n")}\n`);
    expect(shown).toContain("--semver '>=1.0' --repository 'release/*'");
  });
});
