import type { DurableEngine, InstanceStatus, RuntimeStatus } from "../../src/local/functions-host/durable-port.ts";

/** An engine whose instances stay in the state that a test puts them in; it records what it was told. */
export interface ScriptedEngine extends DurableEngine {
  readonly put: (instanceId: string, status: Partial<InstanceStatus>) => void;
  readonly calls: readonly (readonly unknown[])[];
}

/** For the endpoints of the durable extension, whose answers hang on the state of the instance alone. */
export function createScriptedEngine(): ScriptedEngine {
  const instances = new Map<string, InstanceStatus>();
  const calls: unknown[][] = [];
  let startedCount = 0;
  const put = (instanceId: string, status: Partial<InstanceStatus>) => {
    const before = instances.get(instanceId);
    instances.set(instanceId, { ...template, ...before, ...status, instanceId });
  };
  const record =
    (name: string, runtimeStatus?: RuntimeStatus) =>
    (instanceId: string, ...rest: unknown[]) => {
      calls.push([name, instanceId, ...rest]);
      if (runtimeStatus) put(instanceId, { runtimeStatus });
    };
  return {
    calls,
    put,
    start(name, options) {
      startedCount += 1;
      const { instanceId = `generated-${startedCount}`, input } = options;
      calls.push(["start", name, options]);
      instances.delete(instanceId);
      put(instanceId, { name, input });
      return instanceId;
    },
    raiseEvent: record("raiseEvent"),
    terminate: record("terminate", "Terminated"),
    suspend: record("suspend", "Suspended"),
    resume: record("resume", "Running"),
    rewind: record("rewind", "Running"),
    purge: (instanceId) => instances.delete(instanceId),
    getStatus: (instanceId) => instances.get(instanceId),
    list: ({ runtimeStatus, instanceIdPrefix = "", createdTimeFrom = new Date(0), createdTimeTo }) =>
      [...instances.values()].filter(
        (one) =>
          one.instanceId.startsWith(instanceIdPrefix) &&
          (runtimeStatus?.includes(one.runtimeStatus) ?? true) &&
          new Date(one.createdTime) >= createdTimeFrom &&
          (createdTimeTo === undefined || new Date(one.createdTime) <= createdTimeTo),
      ),
    close: async () => {
      calls.push(["close"]);
    },
  };
}

const template: InstanceStatus = {
  name: "event",
  instanceId: "",
  runtimeStatus: "Running",
  input: {},
  customStatus: null,
  output: null,
  createdTime: "2026-11-24T10:30:50.874608Z",
  lastUpdatedTime: "2026-11-24T10:30:52.123Z",
};
