import { spawnSync } from "node:child_process";
import { basename, resolve } from "node:path";
import { z } from "zod";

/** How a fresh process comes to know the app. Wall time and processor time, in milliseconds. */
export interface AppStart {
  /** `require` of the app, which registers its functions, and its hooks of the start: part of every cold start. */
  readonly load: Duration;
  /** After that, until a function can be called; the host prepares its triggers meanwhile. */
  readonly prepare: Duration;
  /** Names of the files that `load` reads. */
  readonly loaded: readonly string[];
  /** Names of the files that `prepare` reads. */
  readonly prepared: readonly string[];
}

export interface Duration {
  readonly ms: number;
  readonly processorMs: number;
}

const durationSchema = z.strictObject({ ms: z.number(), processorMs: z.number() });
const startSchema = z.strictObject({
  load: durationSchema,
  prepare: durationSchema,
  loaded: z.array(z.string()),
  prepared: z.array(z.string()),
});

/** The shortest of some starts, part by part. Throws what a start fails with. */
export function measureStart(path: string, tries: number): AppStart {
  const starts = Array.from({ length: tries }, () => start(path));
  const shortest = (part: "load" | "prepare") =>
    starts.map((one) => one[part]).reduce((best, duration) => (duration.ms < best.ms ? duration : best));
  const files = (part: "loaded" | "prepared") => [
    ...new Set(starts.flatMap((one) => one[part].map((file) => basename(file)))),
  ];
  return {
    ...{ load: shortest("load"), prepare: shortest("prepare") },
    ...{ loaded: files("loaded"), prepared: files("prepared") },
  };
}

/**
 * What infra/modules/function-app.bicep sets of every app, which decides what a start loads; the values are made up.
 * REGISTRIES as where a registries.yaml is in the package, which then is read. Nothing of Azure is asked.
 */
export const deployedSettings: Readonly<Record<string, string>> = {
  DEFAULT_TARGET: "prod.azurecr.io",
  ALLOWED_TARGETS: "prod.azurecr.io",
  REGISTRIES: "",
  REGISTRY_SUFFIX: "azurecr.io",
  ARM_AUTHORITY: "https://login.microsoftonline.com/",
  ARM_AUDIENCES: "https://management.core.windows.net/,https://management.azure.com/",
  AzureWebJobsStorage__blobServiceUri: "https://none.blob.core.windows.net",
  AzureWebJobsStorage__queueServiceUri: "https://none.queue.core.windows.net",
  AzureWebJobsStorage__tableServiceUri: "https://none.table.core.windows.net",
  AzureWebJobsStorage__credential: "managedidentity",
  AzureWebJobsStorage__clientId: "11111111-2222-3333-4444-555555555555",
  KEY_VAULT_URL: "https://none.vault.azure.net",
  AzureWebJobsDisableHomepage: "true",
  APPLICATIONINSIGHTS_CONNECTION_STRING:
    "InstrumentationKey=11111111-2222-3333-4444-555555555555;IngestionEndpoint=https://none.in.applicationinsights.azure.com/",
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: "ClientId=11111111-2222-3333-4444-555555555555;Authorization=AAD",
  LIMIT_SHARES: "4",
  SECRETS_KEY: Buffer.alloc(32).toString("base64"),
};

function start(path: string): AppStart {
  const env = { PATH: process.env.PATH, ...deployedSettings };
  const args = ["-e", script, resolve(path)];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { env, encoding: "utf8" });
  if (status !== 0) throw new Error(`the packaged app does not start: ${stderr}`);
  return startSchema.parse(JSON.parse(stdout));
}

/** With as much of the Functions worker as the app talks to before its first invocation. */
const script = `
  const Module = require("node:module");
  const hooks = { appStart: [], preInvocation: [] };
  const nothing = () => ({ dispose() {} });
  const core = {
    version: "3.13.0",
    hostVersion: "4.1048.200.0",
    setProgrammingModel() {},
    getProgrammingModel() {},
    log() {},
    registerFunction: nothing,
    registerHook: (name, hook) => (hooks[name]?.push(hook), nothing()),
  };
  const loadModule = Module._load;
  Module._load = (name, ...rest) => (name === "@azure/functions-core" ? core : loadModule(name, ...rest));

  const measure = async (run) => {
    const from = performance.now();
    const used = process.cpuUsage();
    await run();
    const ms = performance.now() - from;
    const { user, system } = process.cpuUsage(used);
    return { ms, processorMs: (user + system) / 1000 };
  };
  (async () => {
    const load = await measure(async () => {
      require(process.argv[1]);
      for (const hook of hooks.appStart) await hook({});
    });
    const loaded = Object.keys(require.cache);
    const prepare = await measure(async () => {
      for (const hook of hooks.preInvocation) await hook({});
    });
    const prepared = Object.keys(require.cache).filter((path) => !loaded.includes(path));
    console.log(JSON.stringify({ load, prepare, loaded, prepared }));
    process.exit();
  })().catch((thrown) => {
    console.error(thrown);
    process.exit(1);
  });`;
