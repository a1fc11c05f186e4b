import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { replaceFiles } from "../../../scripts/replace-files.ts";

let parent: string;
let target: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "replace-files-"));
  target = join(parent, "dist");
});
afterEach(() => rm(parent, { recursive: true }));

const put = async (directory: string, files: Readonly<Record<string, string>>) => {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
};
const held = async () => {
  const entries = await readdir(target, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const pairs = files.sort().map(async (path) => [path.slice(target.length + 1), await readFile(path, "utf8")]);
  return Object.fromEntries(await Promise.all(pairs));
};

describe("what a build writes", () => {
  it("takes the place of what was there when all of it is written, not before", async () => {
    await put(target, { "app.cjs": "old", "page/a.js": "old" });
    let meanwhile: unknown;

    await replaceFiles(target, async (directory) => {
      await put(directory, { "app.cjs": "new", "page/b.js": "new" });
      meanwhile = await held();
    });

    expect(meanwhile).toEqual({ "app.cjs": "old", "page/a.js": "old" });
    expect(await held()).toEqual({ "app.cjs": "new", "page/b.js": "new" });
    expect(await readdir(parent)).toEqual(["dist"]);
  });

  it("leaves alone what another script has put beside it", async () => {
    await put(target, { "drayage.zip": "zip", "package/dist/app.cjs": "packaged", "page/old/a.js": "old" });

    await replaceFiles(target, (directory) => put(directory, { "page/b.js": "new" }));

    expect(await held()).toEqual({ "drayage.zip": "zip", "package/dist/app.cjs": "packaged", "page/b.js": "new" });
  });

  it("changes nothing where it fails", async () => {
    await put(target, { "app.cjs": "old" });

    const failing = replaceFiles(target, async (directory) => {
      await put(directory, { "app.cjs": "half" });
      throw new Error("no such module");
    });

    await expect(failing).rejects.toThrow("no such module");
    expect(await held()).toEqual({ "app.cjs": "old" });
    expect(await readdir(parent)).toEqual(["dist"]);
  });

  it("may be written by two at once", async () => {
    const write = (directory: string) => put(directory, { "app.cjs": "new", "libraries/yaml.cjs": "new" });

    await Promise.all([replaceFiles(target, write), replaceFiles(target, write)]);

    expect(await held()).toEqual({ "app.cjs": "new", "libraries/yaml.cjs": "new" });
    expect(await readdir(parent)).toEqual(["dist"]);
  });
});
