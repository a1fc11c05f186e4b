import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { measureStart } from "../../../scripts/measure-start.ts";
import { type PackageFacts, packageProblems } from "../../../scripts/package-problems.ts";

const MiB = 1024 ** 2;
const good: PackageFacts = { zipBytes: 5 * MiB, appBytes: 1.25 * MiB, loaded: ["app.cjs"], hasRegistries: false };

it("a package within its sizes may be deployed, with the reader of registries.yaml where that is part of it", () => {
  expect(packageProblems(good)).toEqual([]);
  expect(packageProblems({ ...good, loaded: ["app.cjs", "yaml.cjs"], hasRegistries: true })).toEqual([]);
});

it.each([
  ["a larger zip", { zipBytes: 5 * MiB + 1 }, "the package is larger than 5.0 MiB"],
  ["a larger app", { appBytes: 1.25 * MiB + 1 }, "app.cjs is larger than"],
  ["a library that a start reads", { loaded: ["app.cjs", "undici.cjs"] }, "undici.cjs is loaded at every start"],
  ["a reader of YAML for nothing", { loaded: ["app.cjs", "yaml.cjs"] }, "yaml.cjs is loaded at every start"],
])("a package with %s is refused", (_what, facts, problem) => {
  expect(packageProblems({ ...good, ...facts })).toEqual([expect.stringContaining(problem)]);
});

it("an app that does not start is refused with what it says", async () => {
  const directory = await mkdtemp(join(tmpdir(), "drayage-start-"));
  const path = join(directory, "app.cjs");
  await writeFile(path, 'throw new Error("the settings cannot be used")');

  expect(() => measureStart(path, 1)).toThrow("the settings cannot be used");
  await rm(directory, { recursive: true });
});
