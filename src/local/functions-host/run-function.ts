import { messageOf } from "./http-server.ts";
import type { FunctionMetadata, RpcReturn, RpcTypedData } from "./rpc.ts";
import type { Worker } from "./worker.ts";

export type RunOutcome =
  | { readonly kind: "done"; readonly result: RpcReturn }
  | { readonly kind: "failed"; readonly error: unknown };

/** Runs a function with its durable client input; what it throws is logged and comes back as an outcome. */
export type RunFunction = (
  name: string,
  trigger: RpcTypedData,
  triggerMetadata: Readonly<Record<string, RpcTypedData>>,
) => Promise<RunOutcome>;

export interface RunFunctionDeps {
  readonly functions: ReadonlyMap<string, FunctionMetadata>;
  readonly invoke: Worker["invoke"];
  /** The JSON that the durable extension hands out as client input. */
  readonly durableClient: string;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

/** Makes the one way in which the listeners run functions. Throws on input bindings that this host does not know. */
export function createRunFunction({ functions, invoke, durableClient, log }: RunFunctionDeps): RunFunction {
  const client: RpcTypedData = { string: durableClient };
  const inputsOf = new Map<string, Record<string, RpcTypedData>>();
  for (const [name, metadata] of functions) inputsOf.set(name, extraInputs(metadata, client));
  return async (name, trigger, triggerMetadata) => {
    const startedAt = performance.now();
    try {
      const extra = inputsOf.get(name) ?? {};
      const result = await invoke(name, trigger, { extraInputs: extra, triggerMetadata });
      return { kind: "done", result };
    } catch (error) {
      log("function.failed", {
        function: name,
        ms: Math.round(performance.now() - startedAt),
        error: messageOf(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
      return { kind: "failed", error };
    }
  };
}

function extraInputs(metadata: FunctionMetadata, client: RpcTypedData): Record<string, RpcTypedData> {
  const inputs: Record<string, RpcTypedData> = {};
  for (const [name, binding] of Object.entries(metadata.bindings)) {
    const type = binding.type.toLowerCase();
    if (binding.direction !== "in" || type.endsWith("trigger")) {
      assertKnownOutput(metadata.name, type, binding.direction);
    } else if (type === "durableclient" || type === "orchestrationclient") {
      inputs[name] = client;
    } else {
      throw new Error(`function ${metadata.name}: input binding "${binding.type}" is not built into the embedded host`);
    }
  }
  return inputs;
}

function assertKnownOutput(name: string, type: string, direction: string): void {
  if (direction !== "out" || type === "http") return;
  throw new Error(`function ${name}: output binding "${type}" is not built into the embedded host`);
}
