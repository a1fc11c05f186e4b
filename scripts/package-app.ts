import { copyFile, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { z } from "zod";
import { buildApp } from "./build-app.ts";
import { buildPage } from "./build-page.ts";
import { assertNoPasswords } from "./no-passwords.ts";
import { replaceFiles } from "./replace-files.ts";
import { createZip } from "./zip.ts";

/** What is deployed, as a folder and as a zip of it. */
export interface AppPackage {
  readonly directory: string;
  readonly zipPath: string;
  readonly zipBytes: number;
  /** Paths in the folder. */
  readonly files: readonly string[];
  /** Source files that went into the app, those of libraries too. */
  readonly modules: readonly string[];
}

/** The app looks for it beside its package.json. */
export const registriesFile = "registries.yaml";
const packageName = "package";
const zipName = "drayage.zip";

/** Fields of package.json that the host, Node or a reader of the deployed files has a use for. */
const packageSchema = z.object({
  name: z.string(),
  version: z.string(),
  private: z.boolean(),
  type: z.string(),
  main: z.string(),
  engines: z.record(z.string(), z.string()),
});

/**
 * Builds the app for deployment into `outdir`: the folder `package`, its zip, and beside both the source maps, which
 * nothing in Azure reads. A registries.yaml that is here goes with it, unless it holds passwords: that is thrown.
 */
export async function packageApp(outdir: string): Promise<AppPackage> {
  const registries = await readFileIfThere(registriesFile);
  if (registries !== undefined) assertNoPasswords(registries);
  return await replaceFiles(outdir, async (written) => {
    const directory = join(written, packageName);
    const maps = join(written, "package-maps");
    const dist = join(directory, "dist");
    const [{ inputs }] = await Promise.all([
      buildApp({ outdir: dist, use: "deployment" }),
      buildPage(join(dist, "page")),
    ]);
    await mkdir(maps);
    for (const map of (await filesIn(directory)).filter((path) => path.endsWith(".map")))
      await rename(join(directory, map), join(maps, basename(map)));

    await copyFile("host.json", join(directory, "host.json"));
    if (registries !== undefined) await writeFile(join(directory, registriesFile), registries);
    const fields = packageSchema.parse(JSON.parse(await readFile("package.json", "utf8")));
    await writeFile(join(directory, "package.json"), `${JSON.stringify(fields, undefined, 2)}\n`);

    const files = await filesIn(directory);
    const zip = createZip(
      await Promise.all(files.map(async (path) => ({ path, content: await readFile(join(directory, path)) }))),
    );
    await writeFile(join(written, zipName), zip);
    return {
      directory: join(outdir, packageName),
      zipPath: join(outdir, zipName),
      zipBytes: zip.byteLength,
      files,
      modules: Object.keys(inputs),
    };
  });
}

async function readFileIfThere(path: string): Promise<string | undefined> {
  return (await readdir(".")).includes(path) ? await readFile(path, "utf8") : undefined;
}

/** Paths of all files below `directory`, with `/`, in a stable order. */
async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => relative(directory, join(parentPath, name)).replaceAll("\\", "/")).sort();
}
