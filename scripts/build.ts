import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import packageJson from "../package.json" with { type: "json" };
import { buildApp } from "./build-app.ts";
import { buildPage } from "./build-page.ts";
import { guardedEntry } from "./guarded-entry.ts";
import { replaceFiles } from "./replace-files.ts";

/** Commands for development, by name; `{name}-main.mjs` is what they do. */
const localCommands = {
  start: "src/local/start.ts",
  demo: "src/local/demo.ts",
  registry: "src/local/registry-main.ts",
};

const common = {
  bundle: true,
  platform: "node",
  target: "node22",
  sourcemap: true,
  logLevel: "warning",
} as const;

await replaceFiles("dist", async (outdir) => {
  const local = join(outdir, "local");
  await Promise.all([
    buildPage(join(outdir, "page")),
    buildApp({ outdir, use: "development" }),
    build({
      ...common,
      entryPoints: { drayage: "src/cli/drayage.ts" },
      outdir,
      outExtension: { ".js": ".mjs" },
      format: "esm",
      banner: {
        js: "#!/usr/bin/env node\nimport { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
      },
    }),
    // Development only, never deployed: packages stay in node_modules.
    build({
      ...common,
      entryPoints: Object.fromEntries(Object.entries(localCommands).map(([name, path]) => [`${name}-main`, path])),
      outdir: local,
      outExtension: { ".js": ".mjs" },
      format: "esm",
      packages: "external",
    }),
  ]);
  await chmod(join(outdir, "drayage.mjs"), 0o755);
  for (const name of Object.keys(localCommands))
    await writeFile(join(local, `${name}.mjs`), guardedEntry(`./${name}-main.mjs`, packageJson.engines.node));
});
