import { type DurableClient, OrchestrationRuntimeStatus } from "durable-functions";

export type InstanceState = "running" | "ended" | "missing";

/** The three verbs Drayage needs of the durable client, made per invocation. */
export interface DurablePort {
  /** Starts an instance; one of that id that runs already is as good. */
  readonly start: (orchestrator: string, instanceId: string, input: object) => Promise<void>;
  /** Returns whether the instance is known; one that has ended ignores the event. */
  readonly raise: (instanceId: string, event: string) => Promise<boolean>;
  readonly state: (instanceId: string) => Promise<InstanceState>;
}

/** What housekeeping needs beyond {@link DurablePort}. */
export interface DurableUpkeep {
  /** Ends an instance where it stands, without its sub-orchestrations; one that has ended or is missing is as good. */
  readonly terminate: (instanceId: string, reason: string) => Promise<void>;
  /** Deletes the histories of instances that have ended and began between these times; how many it were. */
  readonly purge: (from: Date, until: Date) => Promise<number>;
}

const runningStatuses: readonly OrchestrationRuntimeStatus[] = [
  OrchestrationRuntimeStatus.Running,
  OrchestrationRuntimeStatus.Pending,
  OrchestrationRuntimeStatus.ContinuedAsNew,
  OrchestrationRuntimeStatus.Suspended,
];

export function createDurablePort(client: DurableClient): DurablePort {
  const state = async (instanceId: string): Promise<InstanceState> => {
    const found = await readStatus(client, instanceId);
    if (found === undefined) return "missing";
    return runningStatuses.includes(found) ? "running" : "ended";
  };
  // A refusal's meaning is asked for again: the SDK folds statuses into texts, and they differ between host versions.
  return {
    state,
    start: async (orchestrator, instanceId, input) => {
      try {
        await client.startNew(orchestrator, { instanceId, input });
      } catch (refused) {
        if ((await state(instanceId)) !== "running") throw refused;
      }
    },
    raise: async (instanceId, event) => {
      try {
        await client.raiseEvent(instanceId, event, {});
        return true;
      } catch (refused) {
        if ((await state(instanceId)) !== "missing") throw refused;
        return false;
      }
    },
  };
}

const endedStatuses: readonly OrchestrationRuntimeStatus[] = [
  OrchestrationRuntimeStatus.Completed,
  OrchestrationRuntimeStatus.Failed,
  OrchestrationRuntimeStatus.Terminated,
];

export function createDurableUpkeep(client: DurableClient): DurableUpkeep {
  return {
    terminate: async (instanceId, reason) => {
      try {
        await client.terminate(instanceId, reason);
      } catch (refused) {
        const status = await readStatus(client, instanceId);
        if (status !== undefined && runningStatuses.includes(status)) throw refused;
      }
    },
    purge: async (from, until) => {
      const { instancesDeleted } = await client.purgeInstanceHistoryBy({
        createdTimeFrom: from, // without it the host refuses
        createdTimeTo: until,
        runtimeStatus: [...endedStatuses],
      });
      return instancesDeleted;
    },
  };
}

async function readStatus(client: DurableClient, instanceId: string): Promise<OrchestrationRuntimeStatus | undefined> {
  try {
    return (await client.getStatus(instanceId)).runtimeStatus;
  } catch (refused) {
    // The SDK throws for a missing instance and says so in the message only (durable-functions 3.5, getStatus).
    if (refused instanceof Error && refused.message.includes("HTTP 404")) return undefined;
    throw refused;
  }
}
