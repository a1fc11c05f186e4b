import Module from "node:module";
import type { BindingMetadata, FunctionMetadata, RpcReturn, RpcTypedData } from "./rpc.ts";

export type FunctionCallback = (...args: unknown[]) => unknown;
export type HookCallback = (context: object) => unknown;
export type LogLevel = "trace" | "debug" | "information" | "warning" | "error" | "critical" | "none";

/** What @azure/functions registers to convert between RPC values and handler arguments. */
export interface ProgrammingModel {
  readonly name: string;
  readonly version: string;
  getInvocationModel(context: object): InvocationModel | Promise<InvocationModel>;
  getCapabilities?(defaults: Record<string, string>): Promise<Record<string, string>> | Record<string, string>;
}

export interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<ModelResponse>;
}

interface ModelResponse {
  readonly invocationId?: string | null;
  readonly outputData?: RpcReturn["outputData"];
  readonly returnValue?: RpcTypedData | null;
}

export interface RegisteredFunction {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

interface RegisteredMetadata {
  readonly name: string;
  readonly functionId?: string;
  readonly bindings: Record<string, BindingMetadata>;
  readonly retryOptions?: unknown;
}

/** The state behind `@azure/functions-core`: what the app registered. */
export interface CoreState {
  readonly functions: Map<string, RegisteredFunction>;
  readonly runHooks: (name: string, context: object) => Promise<void>;
  readonly model: () => ProgrammingModel;
  /** From here on the app may register nothing more. */
  readonly lock: () => void;
}

export interface CoreOptions {
  readonly workerVersion: string;
  readonly hostVersion: string;
  readonly log: (level: LogLevel, category: string, message: string) => void;
}

/**
 * Makes `require("@azure/functions-core")` work, as the Node worker does: that module is on no registry, the worker
 * patches `Module.prototype.require`. The library keeps what it got, so that there is one core per process; a second
 * call throws. Source: azure-functions-nodejs-worker, setupCoreModule.ts, registerFunction.ts, registerHook.ts.
 */
export function installCore(options: CoreOptions): CoreState {
  if (isPatched) throw new Error("one worker per process: @azure/functions-core is already provided");
  isPatched = true;
  const functions = new Map<string, RegisteredFunction>();
  const hooks = new Map<string, HookCallback[]>(hookNames.map((name) => [name, []]));
  let model: ProgrammingModel | undefined;
  let isLocked = false;

  const core = {
    version: options.workerVersion,
    hostVersion: options.hostVersion,
    Disposable: CoreDisposable,
    setProgrammingModel(next: ProgrammingModel): void {
      model = next;
    },
    getProgrammingModel: () => model,
    log: options.log,
    registerHook(name: string, callback: HookCallback): CoreDisposable {
      const registered = hooks.get(name);
      if (!registered) throw new RangeError(`Unrecognized hook "${name}"`);
      registered.push(callback);
      return new CoreDisposable(() => registered.splice(registered.indexOf(callback), 1));
    },
    registerFunction(metadata: RegisteredMetadata, callback: FunctionCallback): CoreDisposable {
      if (isLocked) throw new Error("A function can only be registered during app startup.");
      const functionId = metadata.functionId ?? metadata.name;
      if (functions.has(functionId)) throw new Error(`A function with id "${functionId}" has already been registered.`);
      functions.set(functionId, { metadata: { ...metadata, functionId }, callback });
      return new CoreDisposable(() => functions.delete(functionId));
    },
  };
  patchRequire(core);

  return {
    functions,
    async runHooks(name, context) {
      for (const callback of hooks.get(name) ?? []) await callback(context);
    },
    model() {
      if (!model) throw new Error("the app never loaded @azure/functions: check package.json main");
      return model;
    },
    lock() {
      isLocked = true;
    },
  };
}

// The patch of Module.prototype is a fact about the process, hence the one variable outside a factory.
let isPatched = false;
const hookNames = ["appStart", "appTerminate", "preInvocation", "postInvocation", "log"] as const;

function patchRequire(core: object): void {
  const original = Module.prototype.require;
  Module.prototype.require = function patched(this: Module, id: string) {
    return id === "@azure/functions-core" ? core : original.call(this, id);
  };
}

class CoreDisposable {
  readonly #dispose: () => unknown;
  constructor(dispose: () => unknown) {
    this.#dispose = dispose;
  }
  static from(...parts: { dispose(): unknown }[]): CoreDisposable {
    return new CoreDisposable(() => {
      for (const part of parts) part.dispose();
    });
  }
  dispose(): unknown {
    return this.#dispose();
  }
}
