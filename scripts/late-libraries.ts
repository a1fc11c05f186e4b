import { basename } from "node:path";
import type { Plugin, PluginBuild } from "esbuild";

/*
 * Libraries in files of their own, `dist/libraries/{file}.cjs`, which are neither read nor parsed before they are needed.
 */

/** What few installations need: own code gets it by `await import()`. */
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

/**
 * What modules import at their top that are loaded late themselves, by its file: libraries with the names that are used;
 * another one does not build. Clients of Azure share a file, as they share most of what they are made of.
 */
const sharedFiles: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "azure-clients": {
    "@azure/core-rest-pipeline": ["createHttpHeaders", "createPipelineRequest"],
    "@azure/data-tables": ["RestError", "TableClient"],
    "@azure/storage-queue": ["QueueClient"],
  },
};

/** The same of undici, whose index brings mocks, caches, cookies and web sockets too. Source: undici 8, index.js. */
const undici = `
  const Dispatcher = require("undici/lib/dispatcher/dispatcher");
  Object.assign(Dispatcher.prototype, require("undici/lib/api"));
  module.exports = {
    Agent: require("undici/lib/dispatcher/agent"),
    Pool: require("undici/lib/dispatcher/pool"),
    buildConnector: require("undici/lib/core/connect"),
  };`;

/**
 * What is imported by modules that every start loads, and used later, if at all: a stand-in loads it at its first use.
 * By library: what its file exports.
 */
const standIns: Readonly<Record<string, string>> = {
  axios: 'module.exports = require("axios");',
  "form-data": 'module.exports = require("form-data");', // of axios, for forms: nobody sends any
  "lodash/cloneDeep": 'module.exports = require("lodash/cloneDeep");',
  moment: 'module.exports = require("moment");',
  validator: 'exports.isURL = require("validator/lib/isURL").default;', // all that durable-functions takes of it
  yaml: 'exports.parse = require("yaml").parse;',
};

const fileNameOf = (library: string) => library.replace(/^@/, "").replaceAll("/", "-");

/** Files that are more than a library, with what is in them. */
const composed: Readonly<Record<string, string>> = {
  undici,
  ...Object.fromEntries(Object.entries(standIns).map(([library, content]) => [fileNameOf(library), content])),
  ...Object.fromEntries(
    Object.entries(sharedFiles).map(([file, libraries]) => [
      file,
      Object.entries(libraries)
        .map(([library, names]) => `export { ${names.join(", ")} } from "${library}";`)
        .join("\n"),
    ]),
  ),
};

/** Entry points by the file that they become. Those of `library-file:` are read by {@link libraryFiles}. */
export const libraryEntries: Readonly<Record<string, string>> = Object.fromEntries([
  ...lazyLibraries.map((library) => [`libraries/${fileNameOf(library)}`, library]),
  ...Object.entries(lazyModules).map(([name, path]) => [`libraries/${name}`, path]),
  ...Object.keys(composed).map((file) => [`libraries/${file}`, `library-file:${file}`]),
]);

/** In the app: turns imports of libraries into late `require`s of their files. */
export const lateLibraries: Plugin = {
  name: "late-libraries",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^[@a-z.]/ }, ({ path, kind }) => {
      const own = basename(path, ".ts");
      const isDynamic = kind === "dynamic-import";
      if (isDynamic && lazyModules[own] !== undefined) return external(own);
      if (isDynamic && lazyLibraries.includes(path)) return external(fileNameOf(path));
      const shared = path === "undici" ? path : Object.keys(sharedFiles).find((file) => sharedFiles[file]?.[path]);
      if (shared !== undefined) return external(shared);
      return standIns[path] === undefined ? undefined : { path, namespace: "stand-in" };
    });
    loadStandIns(onLoad, onResolve, "./libraries");
  },
};

/** In the files of libraries: reads those that are composed, and has the stand-ins that libraries need of each other. */
export const libraryFiles: Plugin = {
  name: "library-files",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^library-file:/ }, ({ path }) => ({
      path: path.slice("library-file:".length),
      namespace: "library-file",
    }));
    onLoad({ filter: /./, namespace: "library-file" }, ({ path }) => ({
      contents: composed[path] ?? "",
      resolveDir: process.cwd(),
    }));
    onResolve({ filter: /^form-data$/ }, ({ path, importer }) =>
      importer.includes("axios") ? { path, namespace: "stand-in" } : undefined,
    );
    loadStandIns(onLoad, onResolve, ".");
  },
};

const external = (file: string) => ({ path: `./libraries/${file}.cjs`, external: true });

function loadStandIns(onLoad: PluginBuild["onLoad"], onResolve: PluginBuild["onResolve"], directory: string): void {
  onLoad({ filter: /./, namespace: "stand-in" }, ({ path }) => ({
    contents: standInOf(path, `${directory}/${fileNameOf(path)}.cjs`),
  }));
  onResolve({ filter: /^\./, namespace: "stand-in" }, ({ path }) => ({ path, external: true }));
}

/** Own code imports by name, which a proxy has none of; for libraries, which are CommonJS, one does for all names. */
function standInOf(library: string, path: string): string {
  if (library === "yaml") return `export const parse = (...given) => require("${path}").parse(...given);`;
  return `
    const load = () => require("${path}");
    module.exports = new Proxy(function () {}, {
      get: (_, name) => load()[name],
      has: (_, name) => name in load(),
      apply: (_, self, given) => Reflect.apply(load(), self, given),
      construct: (_, given) => Reflect.construct(load(), given),
    });`;
}
