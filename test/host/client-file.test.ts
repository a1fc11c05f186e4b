import { execFile } from "node:child_process";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };

const built = fileURLToPath(new URL("../../dist/drayage.mjs", import.meta.url));

describe("the built client, copied to where nothing else is", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "client-file-"));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it.each(["drayage", "drayage.mjs"])("runs by itself as %s", async (name) => {
    const program = join(directory, name);
    await copyFile(built, program); // with its mode

    const path = [dirname(process.execPath), process.env.PATH].join(delimiter);
    const { stdout, stderr } = await promisify(execFile)(program, ["--version"], {
      cwd: directory,
      env: { PATH: path },
    });

    expect(stdout).toBe(`${packageJson.version}\n`);
    expect(stderr).toBe("");
  });
});
