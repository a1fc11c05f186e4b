import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { guardedEntry } from "../../../scripts/guarded-entry.ts";

/** Runs an entry as if by another version of Node; the module that it imports says that it runs. */
function runAs(version: string) {
  const entry = guardedEntry("data:text/javascript,console.log('it runs')", ">=22.19");
  const pretend = `Object.defineProperty(process.versions, "node", { value: ${JSON.stringify(version)} });`;
  return spawnSync(process.execPath, ["--input-type=module", "--eval", `${pretend}\n${entry}`], { encoding: "utf8" });
}

describe("guardedEntry", () => {
  it.each(["20.20.2", "22.18.0"])("ends with a clear message on Node %s", (version) => {
    const { status, stderr, stdout } = runAs(version);

    expect(status).toBe(1);
    expect(stderr).toContain(`needs Node 22.19 or newer, this is ${version}`);
    expect(stdout).toBe("");
  });

  it.each(["22.19.0", "24.3.1"])("runs on Node %s", (version) => {
    expect(runAs(version)).toMatchObject({ status: 0, stdout: "it runs\n", stderr: "" });
  });
});
