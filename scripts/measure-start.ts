import { spawnSync } from "node:child_process";
import { basename, resolve } from "node:path";
import { z } from "zod";

/** How a fresh process comes to know the app. Wall time and processor time, in milliseconds. */
export interface AppStart {
  /** `require` of the app, which registers its functions: part of every cold start. */
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

function start(path: string): AppStart {
  const storage = "UseDevelopmentStorage=true";
  const vault = "https://none.vault.azure.net"; // what a registries.yaml names by secret needs one; nothing is read of it
  const key = Buffer.alloc(32).toString("base64"); // without one, a start has something to say in its log
  const env = { PATH: process.env.PATH, AzureWebJobsStorage: storage, KEY_VAULT_URL: vault, SECRETS_KEY: key };
  const args = ["-e", script, resolve(path)];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { env, encoding: "utf8" });
  if (status !== 0) throw new Error(`the packaged app does not start: ${stderr}`);
  return startSchema.parse(JSON.parse(stdout));
}

/** With as much of the Functions worker as the app talks to before its first invocation. */
const script = `
  const Module = require("node:module");
  const before = [];
  const nothing = () => ({ dispose() {} });
  const core = {
    version: "3.13.0",
    hostVersion: "4.1048.200.0",
    setProgrammingModel() {},
    getProgrammingModel() {},
    log() {},
    registerFunction: nothing,
    registerHook: (name, hook) => (name === "preInvocation" && before.push(hook), nothing()),
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
    const load = await measure(() => void require(process.argv[1]));
    const loaded = Object.keys(require.cache);
    const prepare = await measure(async () => {
      for (const hook of before) await hook({});
    });
    const prepared = Object.keys(require.cache).filter((path) => !loaded.includes(path));
    console.log(JSON.stringify({ load, prepare, loaded, prepared }));
    process.exit();
  })().catch((thrown) => {
    console.error(thrown);
    process.exit(1);
  });`;
