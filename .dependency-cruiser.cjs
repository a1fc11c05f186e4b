const layer = (name) => `^src/${name}/`;
/** Which src folders a layer may import besides itself, the leaves and npm packages. */
const mayImport = {
  domain: [],
  registry: [],
  transfer: ["registry", "domain"],
  store: ["domain", "transfer"],
  functions: ["domain", "registry", "transfer", "store"],
  cli: ["domain"],
  local: [],
};
const leaves = "^src/(errors|digest|descriptor|ip-address)\\.ts$";
const layers = Object.keys(mayImport);

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "no-orphans",
      severity: "error",
      from: { orphan: true, path: "^src/", pathNot: "^src/(app|local/[^/]+|cli/[^/]+)\\.ts$" },
      to: {},
    },
    ...layers.map((name) => ({
      name: `${name}-imports`,
      severity: "error",
      comment: `src/${name} may import ${["the leaves", ...mayImport[name]].join(", ")} only`,
      from: { path: layer(name) },
      to: { path: "^src/", pathNot: [layer(name), leaves, ...mayImport[name].map(layer)] },
    })),
    {
      name: "leaves-import-nothing",
      severity: "error",
      from: { path: leaves },
      to: { path: "^src/", pathNot: leaves },
    },
    {
      name: "nothing-imports-local",
      severity: "error",
      from: { path: "^src/", pathNot: layer("local") },
      to: { path: layer("local") },
    },
    {
      name: "orchestrators-import-no-io",
      severity: "error",
      comment: "an orchestrator is replayed: it may decide, never do",
      from: { path: "^src/functions/orchestrators/" },
      to: {
        path: "^(node:|src/(registry|transfer|store|functions/(activities|triggers))/)",
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      name: "orchestrators-import-no-builtins",
      severity: "error",
      from: { path: "^src/functions/orchestrators/" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "no-dev-dependencies-in-the-app",
      severity: "error",
      from: { path: "^src/", pathNot: layer("local") },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "helpers-are-for-tests",
      severity: "error",
      from: { pathNot: "^(test|bench)/" },
      to: { path: "^test/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { extensions: [".ts", ".mts", ".js", ".mjs", ".cjs", ".json"] },
  },
};
