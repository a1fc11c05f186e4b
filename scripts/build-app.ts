import { dirname } from "node:path";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import * as bindings from "../src/function-bindings.ts";
import { lateLibraries, libraryEntries, libraryFiles } from "./late-libraries.ts";

/** Where an app is built to, and as what. */
export interface AppBuild {
  /** Gets app.cjs and the folder `libraries`. */
  readonly outdir: string;
  /** `deployment`: small, with the names that stacks show. */
  readonly use: "development" | "deployment";
}

/** Names and routes as data: with the schemas that stand beside them, they would be a third of what a start loads. */
const bindingsAsData: Plugin = {
  name: "bindings-as-data",
  setup: ({ onLoad }) => {
    onLoad({ filter: /[\\/]src[\\/]function-bindings\.ts$/ }, () => ({
      contents: Object.entries(bindings)
        .map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`)
        .join("\n"),
    }));
  },
};

/** Messages of the schema library in fifty languages, a tenth of the app: nobody asks for another one than English. */
const englishOnly: Plugin = {
  name: "english-only",
  setup: ({ onLoad }) => {
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, ({ path }) => ({
      contents: 'export { default as en } from "./en.js";',
      resolveDir: dirname(path),
    }));
  },
};

/** Bundles the app with every library it uses: CommonJS, as the worker hands out @azure/functions-core by `require`. */
export async function buildApp({ outdir, use }: AppBuild): Promise<Metafile> {
  const common = {
    bundle: true,
    platform: "node",
    target: "node22",
    format: "cjs",
    outExtension: { ".js": ".cjs" },
    minify: use === "deployment",
    keepNames: true, // errors and log lines carry names of classes
    sourcemap: use === "deployment" ? "external" : true,
    metafile: true,
    logLevel: "warning",
    // A package that storage-queue brings asks for its own address, which CommonJS does not know.
    banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
    define: { "import.meta.url": "importMetaUrl" },
    supported: { "dynamic-import": false }, // becomes a late `require`, which finds the names that CommonJS exports
  } as const satisfies BuildOptions;
  const built = await Promise.all([
    build({
      ...common,
      outdir,
      entryPoints: { app: "src/app.ts" },
      external: ["@azure/functions-core"],
      plugins: [lateLibraries, bindingsAsData, englishOnly],
    }),
    build({ ...common, outdir, entryPoints: libraryEntries, plugins: [libraryFiles, englishOnly] }),
  ]);
  return {
    inputs: Object.assign({}, ...built.map(({ metafile }) => metafile.inputs)),
    outputs: Object.assign({}, ...built.map(({ metafile }) => metafile.outputs)),
  };
}
