import { fieldOf } from "./actions.ts";
import { eventTypes } from "./history.ts";
import type { Instance } from "./instance.ts";
import type { RuntimeStatus } from "./records.ts";

/** What `GET instances/{id}` answers. Times are in whole seconds, as on the genuine host. */
export interface InstanceStatus {
  readonly name: string;
  readonly instanceId: string;
  readonly runtimeStatus: RuntimeStatus;
  readonly input: unknown;
  readonly customStatus: unknown;
  readonly output: unknown;
  readonly createdTime: string;
  readonly lastUpdatedTime: string;
  readonly historyEvents?: readonly unknown[];
}

export interface StatusOptions {
  readonly showInput?: boolean;
  readonly showHistory?: boolean;
  /** With `showHistory`: results too. */
  readonly showHistoryOutput?: boolean;
}

/** Status of an instance; the input is shown unless `showInput` is false. */
export function statusOf(instance: Instance, options: StatusOptions = {}): InstanceStatus {
  const isSuspended = instance.status === "Suspended";
  return {
    name: instance.name,
    instanceId: instance.id,
    runtimeStatus: instance.status,
    input: options.showInput === false ? null : parse(instance.input),
    customStatus: parse(instance.customStatus),
    output: isSuspended ? instance.suspendReason : parse(instance.output),
    createdTime: wholeSeconds(instance.createdAtMs),
    lastUpdatedTime: wholeSeconds(instance.updatedAtMs),
    ...(options.showHistory ? { historyEvents: foldHistory(instance, options.showHistoryOutput === true) } : {}),
  };
}

function parse(json: string | null): unknown {
  return json === null ? null : JSON.parse(json);
}

function wholeSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

const eventNames: ReadonlyMap<number, string> = new Map([
  [eventTypes.executionStarted, "ExecutionStarted"],
  [eventTypes.executionCompleted, "ExecutionCompleted"],
  [eventTypes.executionTerminated, "ExecutionTerminated"],
  [eventTypes.taskCompleted, "TaskCompleted"],
  [eventTypes.taskFailed, "TaskFailed"],
  [eventTypes.subCompleted, "SubOrchestrationInstanceCompleted"],
  [eventTypes.subFailed, "SubOrchestrationInstanceFailed"],
  [eventTypes.timerCreated, "TimerCreated"],
  [eventTypes.timerFired, "TimerFired"],
  [eventTypes.eventRaised, "EventRaised"],
  [eventTypes.generic, "GenericEvent"],
  [eventTypes.suspended, "ExecutionSuspended"],
  [eventTypes.resumed, "ExecutionResumed"],
]);

const orchestrationStatuses: ReadonlyMap<unknown, string> = new Map([
  [1, "Completed"],
  [3, "Failed"],
  [5, "Terminated"],
]);

/** The history as clients see it: Scheduled and Created events are folded into the events that answer them. */
function foldHistory(instance: Instance, withOutput: boolean): unknown[] {
  const events: unknown[] = JSON.parse(`[${instance.history}]`);
  const scheduled = new Map(events.map((event) => [fieldOf(event, "EventId"), event]));
  return events.flatMap((event) => {
    const type = Number(fieldOf(event, "EventType"));
    const name = eventNames.get(type);
    return name === undefined ? [] : [fold(event, type, name, scheduled, withOutput)];
  });
}

const hiddenFields = ["EventType", "EventId", "IsPlayed", "TaskScheduledId", "TimerId", "Result"];
const startFields = ["OrchestrationInstance", "ParentInstance", "Name", "Version", "Tags"];

function fold(
  event: unknown,
  type: number,
  name: string,
  scheduled: ReadonlyMap<unknown, unknown>,
  withOutput: boolean,
): Record<string, unknown> {
  const folded: Record<string, unknown> = { EventType: name };
  const isStart = type === eventTypes.executionStarted;
  for (const [key, value] of Object.entries(typeof event === "object" && event !== null ? event : {})) {
    if (!hiddenFields.includes(key) && !(isStart && startFields.includes(key))) folded[key] = value;
  }
  const result = fieldOf(event, "Result");
  if (withOutput && result !== undefined) folded.Result = typeof result === "string" ? JSON.parse(result) : null;
  if (isStart) folded.FunctionName = fieldOf(event, "Name");
  if (type === eventTypes.executionCompleted) {
    folded.OrchestrationStatus = orchestrationStatuses.get(fieldOf(event, "OrchestrationStatus"));
  }
  const origin = scheduled.get(fieldOf(event, "TaskScheduledId"));
  if (origin !== undefined) {
    folded.ScheduledTime = fieldOf(origin, "Timestamp");
    folded.FunctionName = fieldOf(origin, "Name");
    folded.Input = null;
  }
  return folded;
}
