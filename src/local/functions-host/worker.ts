import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { glob, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { type CoreState, installCore, type LogLevel, type RegisteredFunction } from "./core-api.ts";
import { type FunctionMetadata, type RpcRetryContext, type RpcReturn, type RpcTypedData, triggerOf } from "./rpc.ts";

/** One line that the app or the worker logged. */
export interface WorkerLogLine {
  readonly level: LogLevel;
  readonly category: string;
  readonly message: string;
  readonly functionName?: string;
  readonly invocationId?: string;
}

export interface WorkerOptions {
  /** Folder with the package.json whose `main` names the built app. */
  readonly appDirectory: string;
  /** Entry points (or a glob) instead of package.json `main`, relative to `appDirectory`. */
  readonly main?: string;
  readonly log: (line: WorkerLogLine) => void;
}

export interface InvokeOptions {
  /** Values of the other input bindings by binding name (e.g. the durable client). */
  readonly extraInputs?: Readonly<Record<string, RpcTypedData>>;
  readonly triggerMetadata?: Readonly<Record<string, RpcTypedData>>;
  readonly retryContext?: RpcRetryContext;
  readonly invocationId?: string;
}

/** A loaded app: what it registered, and a way to run it. */
export interface Worker {
  readonly functions: ReadonlyMap<string, FunctionMetadata>;
  /** Runs one function. Rejects with what the function threw, exactly as it was thrown. */
  readonly invoke: (name: string, trigger: RpcTypedData, options?: InvokeOptions) => Promise<RpcReturn>;
  /** Loads the app and runs its appStart hooks. An error while loading is blocking for the whole app. */
  readonly start: () => Promise<void>;
  /** Runs the appTerminate hooks, once. */
  readonly close: () => Promise<void>;
}

/**
 * The part of the Node worker that Drayage needs: provides `@azure/functions-core`, loads the built app and runs its
 * functions with their hooks. One worker per process, because the patch of `require` is one per process.
 * Source: azure-functions-nodejs-worker, startApp.ts and InvocationHandler.ts.
 */
export function createWorker(options: WorkerOptions): Worker {
  const appHookData = {};
  const functions = new Map<string, FunctionMetadata>();
  const core = installCore({
    workerVersion: "3.13.0",
    hostVersion: "4.1048.200.0",
    log: (level, category, message) => options.log({ level, category, message }),
  });
  let closing: Promise<void> | undefined;

  return {
    functions,
    async start() {
      const functionAppDirectory = resolve(options.appDirectory);
      for (const file of await entryPoints(functionAppDirectory, options.main)) await loadEntryPoint(file);
      await core.runHooks("appStart", { hookData: {}, appHookData, functionAppDirectory });
      await core.model().getCapabilities?.({}); // locks the library's setup, as the worker's answer to the host does
      core.lock();
      for (const { metadata } of core.functions.values()) functions.set(metadata.name, metadata);
    },
    invoke: createInvoke(core, appHookData, options.log),
    close() {
      closing ??= core.runHooks("appTerminate", { hookData: {}, appHookData });
      return closing;
    },
  };
}

function createInvoke(core: CoreState, appHookData: object, log: WorkerOptions["log"]): Worker["invoke"] {
  const byName = new Map<string, RegisteredFunction>();
  const find = (name: string) => {
    if (byName.size === 0) for (const entry of core.functions.values()) byName.set(entry.metadata.name, entry);
    const found = byName.get(name);
    if (!found) throw new Error(`Function code for '${name}' is not loaded and cannot be invoked.`);
    return found;
  };

  return async (name, trigger, { extraInputs, triggerMetadata, retryContext, invocationId = randomUUID() } = {}) => {
    const { metadata, callback } = find(name);
    const inputData = [
      { name: triggerOf(metadata).name, data: trigger },
      ...Object.entries(extraInputs ?? {}).map(([binding, data]) => ({ name: binding, data })),
    ];
    const coreContext: CoreInvocationContext = {
      invocationId,
      request: { invocationId, functionId: metadata.functionId, inputData, triggerMetadata, retryContext },
      metadata,
      state: undefined,
      log: (level, category, message) => log({ level, category, message, functionName: name, invocationId }),
    };
    const model = await core.model().getInvocationModel(coreContext);
    const { context, inputs } = await model.getArguments();
    const shared = { hookData: {}, appHookData, invocationContext: context };

    const before = { ...shared, functionCallback: callback, inputs }; // hooks may replace both
    await inState(coreContext, "preInvocationHooks", () => core.runHooks("preInvocation", before));
    const after: AfterInvocation = { ...shared, inputs: before.inputs, result: null, error: null };
    await inState(coreContext, "invocation", async () => {
      try {
        after.result = await model.invokeFunction(context, before.inputs, before.functionCallback);
      } catch (thrown) {
        after.error = thrown;
      }
    });
    await inState(coreContext, "postInvocationHooks", () => core.runHooks("postInvocation", after));
    if (after.error !== null && after.error !== undefined) throw after.error;

    const { outputData = [], returnValue } = await model.getResponse(context, after.result);
    return { invocationId, outputData, returnValue };
  };
}

interface AfterInvocation {
  readonly hookData: object;
  readonly appHookData: object;
  readonly invocationContext: unknown;
  readonly inputs: readonly unknown[];
  result: unknown;
  error: unknown;
}

interface CoreInvocationContext {
  readonly invocationId: string;
  readonly request: object;
  readonly metadata: FunctionMetadata;
  state: "preInvocationHooks" | "invocation" | "postInvocationHooks" | undefined;
  readonly log: (level: LogLevel, category: string, message: string) => void;
}

async function inState(
  context: CoreInvocationContext,
  state: CoreInvocationContext["state"],
  work: () => Promise<void>,
): Promise<void> {
  context.state = state;
  try {
    await work();
  } finally {
    context.state = undefined;
  }
}

const packageSchema = z.looseObject({ main: z.string().optional() });

async function readMain(appDirectory: string): Promise<string | undefined> {
  return packageSchema.parse(JSON.parse(await readFile(join(appDirectory, "package.json"), "utf8"))).main;
}

async function entryPoints(appDirectory: string, main: string | undefined): Promise<string[]> {
  const pattern = main ?? (await readMain(appDirectory));
  if (pattern === undefined) throw new Error(`${appDirectory}/package.json names no "main"`);
  const literal = resolve(appDirectory, pattern);
  if (existsSync(literal)) return [literal];
  const found: string[] = [];
  for await (const file of glob(pattern, { cwd: appDirectory })) found.push(resolve(appDirectory, file));
  if (found.length === 0) throw new Error(`no file matches "main" (${pattern}) in ${appDirectory}: is the app built?`);
  return found.sort();
}

/** CommonJS by `require`, everything else by `import()`, which knows a package's `type` itself. */
async function loadEntryPoint(file: string): Promise<void> {
  if (file.endsWith(".cjs")) createRequire(file)(file);
  else await import(pathToFileURL(file).href);
}
