import { basename, dirname } from "node:path";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";

/** Where an app is built to, and as what. */
export interface AppBuild {
  /** Gets app.cjs and the folder `libraries`. */
  readonly outdir: string;
  /** `deployment`: small, with the names that stacks show. */
  readonly use: "development" | "deployment";
}

/** What few installations need, or none at once: in files of their own, which are neither read nor parsed before that. */
const lazyLibraries = [
  "@aws-sdk/client-ecr",
  "@azure/arm-containerregistry",
  "@azure/eventgrid",
  "@azure/identity",
  "@azure/keyvault-secrets",
  "google-auth-library",
];

/** Own code of the kind: nobody needs it who has no sink of telemetry. */
const lazyModules: Readonly<Record<string, string>> = { "telemetry-sdk": "src/telemetry-sdk.ts" };

const fileNameOf = (library: string) => library.replace(/^@/, "").replaceAll("/", "-");

const apart: Plugin = {
  name: "lazy-libraries",
  setup: ({ onResolve }) => {
    onResolve({ filter: /^[@a-z.]/ }, ({ path, kind }) => {
      if (kind !== "dynamic-import") return undefined;
      const own = basename(path, ".ts");
      if (!lazyLibraries.includes(path) && lazyModules[own] === undefined) return undefined;
      const name = lazyModules[own] === undefined ? fileNameOf(path) : own;
      return { path: `./libraries/${name}.cjs`, external: true };
    });
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
  const entries = [
    ...lazyLibraries.map((library) => [`libraries/${fileNameOf(library)}`, library]),
    ...Object.entries(lazyModules).map(([name, path]) => [`libraries/${name}`, path]),
  ];
  const built = await Promise.all([
    build({
      ...common,
      outdir,
      entryPoints: { app: "src/app.ts" },
      external: ["@azure/functions-core"],
      plugins: [apart, englishOnly],
    }),
    build({ ...common, outdir, entryPoints: Object.fromEntries(entries) }),
  ]);
  return {
    inputs: Object.assign({}, ...built.map(({ metafile }) => metafile.inputs)),
    outputs: Object.assign({}, ...built.map(({ metafile }) => metafile.outputs)),
  };
}
