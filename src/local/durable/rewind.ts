import { fieldOf } from "./actions.ts";
import { eventTypes, genericEvent, readEventFacts } from "./history.ts";
import type { Instance } from "./instance.ts";

/**
 * Makes a failed instance runnable again: failed tasks and the end become GenericEvents, which nobody reads, so that the
 * replay schedules those tasks anew (recorded in g-failUncaught). Returns the children that are to be rewound as well.
 */
export function rewindHistory(instance: Instance, reason: string, atMs: number): string[] {
  const events: unknown[] = JSON.parse(`[${instance.history}]`);
  const failedTasks = new Set<number>();
  const failedChildren = new Set<number>();
  for (const { type, ref = -1 } of instance.events) {
    if (type === eventTypes.taskFailed) failedTasks.add(ref);
    if (type === eventTypes.subFailed) failedChildren.add(ref);
  }
  const children: string[] = [];
  const rewound = events.map((event) => {
    const { type, id } = readEventFacts(event);
    if (type === eventTypes.subCreated && failedChildren.has(id)) {
      const instanceId = String(fieldOf(event, "InstanceId"));
      children.push(instanceId);
      const name = String(fieldOf(event, "Name"));
      instance.open.set(id, { kind: "sub", id, name, instanceId, version: null, input: null });
    }
    const isDropped =
      type === eventTypes.taskFailed ||
      type === eventTypes.subFailed ||
      type === eventTypes.executionCompleted ||
      (type === eventTypes.taskScheduled && failedTasks.has(id));
    return isDropped ? toGeneric(event) : event;
  });
  instance.history = rewound.map((event) => JSON.stringify(event)).join(",");
  instance.events = rewound.map(readEventFacts);
  instance.inbox = [genericEvent(atMs, reason)];
  instance.status = "Running";
  instance.output = null;
  instance.updatedAtMs = atMs;
  return children;
}

function toGeneric(event: unknown): object {
  return {
    EventType: eventTypes.generic,
    Data: null,
    EventId: fieldOf(event, "EventId"),
    IsPlayed: fieldOf(event, "IsPlayed"),
    Timestamp: fieldOf(event, "Timestamp"),
  };
}
