import type { CommandOutcome } from "../../src/local/durable/engine.ts";
import type { RuntimeStatus } from "../../src/local/durable/records.ts";
import type { InstanceStatus } from "../../src/local/durable/status.ts";
import type { HostEngine } from "../../src/local/functions-host/host.ts";

/** An engine whose instances stay in the state that a test puts them in; it records what it was told. */
export interface ScriptedEngine extends HostEngine {
  readonly put: (instanceId: string, status: Partial<InstanceStatus>) => void;
  readonly calls: readonly (readonly unknown[])[];
}

const finished: readonly RuntimeStatus[] = ["Completed", "Failed", "Terminated"];

/** For the endpoints of the durable extension, whose answers hang on the state of the instance alone. */
export function createScriptedEngine(): ScriptedEngine {
  const instances = new Map<string, InstanceStatus>();
  const calls: unknown[][] = [];
  let startedCount = 0;
  const put = (instanceId: string, status: Partial<InstanceStatus>) => {
    const before = instances.get(instanceId);
    instances.set(instanceId, { ...template, ...before, ...status, instanceId });
  };
  /** A command that is refused in some states, as the engine refuses it. */
  const command =
    (name: string, next: RuntimeStatus | undefined, refuse: (status: RuntimeStatus) => CommandOutcome | undefined) =>
    async (instanceId: string, ...rest: unknown[]): Promise<CommandOutcome> => {
      const status = instances.get(instanceId)?.runtimeStatus;
      if (status === undefined) return { kind: "missing" };
      const refused = refuse(status);
      if (refused) return refused;
      calls.push([name, instanceId, ...rest]);
      if (next) put(instanceId, { runtimeStatus: next });
      return { kind: "accepted" };
    };
  const onlyRunning = (status: RuntimeStatus): CommandOutcome | undefined =>
    finished.includes(status) ? { kind: "finished", status } : undefined;
  const conflictUnless = (allowed: readonly RuntimeStatus[]) => (status: RuntimeStatus) =>
    allowed.includes(status) ? undefined : ({ kind: "conflict", status } as const);
  const purge = command("purge", undefined, conflictUnless(finished));
  return {
    calls,
    put,
    async start(name, options = {}) {
      startedCount += 1;
      const { instanceId = `generated-${startedCount}`, input } = options;
      const existing = instances.get(instanceId);
      if (existing && !finished.includes(existing.runtimeStatus)) {
        return { kind: "exists", status: existing.runtimeStatus };
      }
      calls.push(["start", name, options]);
      instances.delete(instanceId);
      put(instanceId, { name, input });
      return { kind: "started", instanceId };
    },
    raiseEvent: command("raiseEvent", undefined, onlyRunning),
    terminate: command("terminate", "Terminated", onlyRunning),
    suspend: command("suspend", "Suspended", (status) =>
      status === "Suspended" ? { kind: "conflict", status } : onlyRunning(status),
    ),
    resume: command("resume", "Running", onlyRunning),
    rewind: command("rewind", "Running", conflictUnless(["Failed"])),
    async purge(instanceId) {
      const outcome = await purge(instanceId);
      if (outcome.kind === "accepted") instances.delete(instanceId);
      return outcome;
    },
    getStatus(instanceId, options = {}) {
      const status = instances.get(instanceId);
      return status && show(status, options);
    },
    list: ({ runtimeStatus = [], instanceIdPrefix = "", createdFromMs = 0, ...options } = {}) =>
      [...instances.values()]
        .filter(
          (one) =>
            one.instanceId.startsWith(instanceIdPrefix) &&
            (runtimeStatus.length === 0 || runtimeStatus.includes(one.runtimeStatus)) &&
            Date.parse(one.createdTime) >= createdFromMs,
        )
        .sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1))
        .map((one) => show(one, options)),
    close: async () => {
      calls.push(["close"]);
    },
  };
}

function show(status: InstanceStatus, { showInput = true, showHistory = false }): InstanceStatus {
  const { historyEvents, ...rest } = status;
  return {
    ...rest,
    input: showInput ? rest.input : null,
    ...(showHistory && historyEvents ? { historyEvents } : {}),
  };
}

const template: InstanceStatus = {
  name: "event",
  instanceId: "",
  runtimeStatus: "Running",
  input: {},
  customStatus: null,
  output: null,
  createdTime: "2026-11-24T10:30:50Z",
  lastUpdatedTime: "2026-11-24T10:30:52Z",
};
