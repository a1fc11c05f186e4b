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
  page: ["domain"],
};
const leaves = "^src/(errors|digest|descriptor|json|printable|ip-address)\\.ts$";
const layers = Object.keys(mayImport);

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "no-orphans",
      severity: "error",
      from: {
        orphan: true,
        path: "^src/",
        pathNot: "^src/(app|local/[^/]+|cli/[^/]+)\\.ts$|^src/page/[^/]+\\.d\\.ts$",
      },
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
      name: "page-takes-types-only",
      severity: "error",
      comment: "schemas and their library stay out of what browsers load",
      from: { path: layer("page") },
      to: {
        path: "^src/(domain/|errors|digest|descriptor|json|printable|ip-address)",
        pathNot: "^src/(domain/(quantities|registry-account|sign-in-header)|json)\\.ts$",
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      name: "nothing-imports-the-page",
      severity: "error",
      from: { path: "^src/", pathNot: layer("page") },
      to: { path: layer("page") },
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
      comment: "the page's libraries are bundled into its files when it is built",
      from: { path: "^src/", pathNot: [layer("local"), layer("page")] },
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
    enhancedResolveOptions: { extensions: [".ts", ".tsx", ".mts", ".js", ".mjs", ".cjs", ".json"] },
  },
};
