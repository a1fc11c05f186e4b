import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Azurite, startAzurite } from "./azurite.ts";
import { type FunctionsHost, type HostLog, serveApp } from "./functions-host/host.ts";
import { readLocalSettings } from "./functions-host/host-json.ts";
import { openDurableEngine } from "./functions-host/open-engine.ts";
import { systemClock } from "./functions-host/timer-triggers.ts";
import { createWorker, type WorkerLogLine } from "./functions-host/worker.ts";
import { createSecretsKey, readOrCreateSecretsKey } from "./secrets-key.ts";

/** The folder of package.json and host.json, seen from src/local/ as from dist/local/. */
export const projectDirectory = fileURLToPath(new URL("../..", import.meta.url));

/** Where instances, tables and queues are kept between runs. */
export type DrayageState = { readonly kind: "directory"; readonly path: string } | { readonly kind: "memory" };

export interface DrayageOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  readonly state: DrayageState;
  /** Beat the environment, which beats local.settings.json. */
  readonly settings: Readonly<Record<string, string>>;
  /** With keys, everything that is not anonymous asks for one of them. */
  readonly keys: readonly string[] | undefined;
  /** Folder with package.json, host.json and the built app; usually {@link projectDirectory}. */
  readonly appDirectory: string;
  readonly log: HostLog;
}

export interface Drayage extends AsyncDisposable {
  readonly url: string;
  readonly host: FunctionsHost;
  /** Connection string of tables and queues. */
  readonly storage: string;
  readonly storageKind: "azurite" | "setting";
  readonly close: () => Promise<void>;
}

/**
 * Starts the built app on the embedded host, with an Azurite of its own unless AzureWebJobsStorage names a storage.
 * Once per process: the app reads `process.env`, where the settings are put, and the worker patches `require`.
 */
export async function startDrayage(options: DrayageOptions): Promise<Drayage> {
  const undo: (() => Promise<unknown>)[] = []; // the last first
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const directory = await openStateDirectory(options.state, undo);
    await applySettings(options, directory);
    const azurite = await openStorage(options.state, directory);
    if (azurite) {
      undo.push(azurite.close);
      process.env.AzureWebJobsStorage = azurite.connectionString;
    }
    markEmbedded(undo);
    const worker = createWorker({ appDirectory: options.appDirectory, log: workerLog(options.log) });
    await worker.start();
    const host = await serveApp({
      worker,
      appDirectory: options.appDirectory,
      port: options.port,
      stateDirectory: directory,
      environment: process.env,
      keys: options.keys,
      clock: systemClock,
      log: options.log,
      openEngine: openDurableEngine,
    });
    undo.push(host.close);
    const storage = process.env.AzureWebJobsStorage ?? "";
    return {
      url: host.url,
      host,
      storage,
      storageKind: azurite ? "azurite" : "setting",
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** Tells the app, which runs in this process, where it is: src/app.ts says why not by a setting. */
function markEmbedded(undo: (() => Promise<unknown>)[]): void {
  const mark = Symbol.for("drayage.embeddedHost");
  Reflect.set(globalThis, mark, true);
  undo.push(async () => Reflect.deleteProperty(globalThis, mark));
}

async function openStateDirectory(state: DrayageState, undo: (() => Promise<unknown>)[]): Promise<string> {
  if (state.kind === "directory") return state.path;
  const directory = await mkdtemp(join(tmpdir(), "drayage-")); // the journal alone; Azurite keeps nothing
  undo.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** What `func start` sets, and what this app needs to show its dashboard at `/`. */
const hostSettings = {
  FUNCTIONS_WORKER_RUNTIME: "node",
  AZURE_FUNCTIONS_ENVIRONMENT: "Development",
  AzureWebJobsDisableHomepage: "true",
} as const;

const ownStorage = /^UseDevelopmentStorage=true;?$/i;

async function applySettings({ appDirectory, settings, state }: DrayageOptions, directory: string): Promise<void> {
  const local = { ...(await readLocalSettings(join(appDirectory, "local.settings.json"))) };
  // In that file it means "the emulator of this machine", which is here the one that comes along.
  if (ownStorage.test(local.AzureWebJobsStorage ?? "")) local.AzureWebJobsStorage = "";
  const values: Readonly<Record<string, string>> = { ...hostSettings, ...local };
  for (const [name, value] of Object.entries(values)) {
    if (value !== "") process.env[name] ??= value;
  }
  Object.assign(process.env, settings);
  if (process.env.SECRETS_KEY) return;
  process.env.SECRETS_KEY =
    state.kind === "memory" ? createSecretsKey() : await readOrCreateSecretsKey(join(directory, "secrets.key"));
}

async function openStorage(state: DrayageState, directory: string): Promise<Azurite | undefined> {
  const isSet = process.env.AzureWebJobsStorage || process.env.AzureWebJobsStorage__accountName;
  if (isSet) return undefined;
  return startAzurite({ directory: state.kind === "memory" ? undefined : join(directory, "azurite") });
}

const shownLevels: readonly WorkerLogLine["level"][] = ["warning", "error", "critical"];

/** What the app logs through its context, and the worker's own lines from warnings on. */
function workerLog(log: HostLog) {
  return ({ level, category, message, functionName }: WorkerLogLine) => {
    if (category === "user" || shownLevels.includes(level)) log("app.log", { level, function: functionName, message });
  };
}
