/** DTFx event types by number, as they stand in the histories that orchestrators read. */
export const eventTypes = {
  executionStarted: 0,
  executionCompleted: 1,
  executionTerminated: 3,
  taskScheduled: 4,
  taskCompleted: 5,
  taskFailed: 6,
  subCreated: 7,
  subCompleted: 8,
  subFailed: 9,
  timerCreated: 10,
  timerFired: 11,
  orchestratorStarted: 12,
  orchestratorCompleted: 13,
  eventRaised: 15,
  generic: 17,
  suspended: 19,
  resumed: 20,
} as const;

/** What the host itself reads of a history event. The rest is in the text. */
export interface EventFacts {
  readonly type: number;
  /** Task id of a Scheduled or Created event, else -1. */
  readonly id: number;
  /** Task id that a Completed, Failed or Fired event answers. */
  readonly ref?: number;
  readonly name?: string;
  readonly atMs: number;
}

/** A history event, serialised once: `IsPlayed` is the only field that ever changes, so that it stays between two texts. */
export interface HistoryEvent extends EventFacts {
  readonly head: string;
  readonly tail: string;
}

/** The event as it stands in a history; only messages that an earlier episode has processed are "played". */
export function eventText(event: HistoryEvent, isPlayed: boolean): string {
  return `${event.head}${isPlayed}${event.tail}`;
}

type Fields = Readonly<Record<string, unknown>>;

function event(type: number, atMs: number, fields: Fields, facts: Partial<EventFacts> = {}): HistoryEvent {
  const id = facts.id ?? -1;
  const head = JSON.stringify({ EventType: type, ...fields, EventId: id }).slice(0, -1);
  return {
    ...facts,
    type,
    id,
    atMs,
    head: `${head},"IsPlayed":`,
    tail: `,"Timestamp":"${new Date(atMs).toISOString()}"}`,
  };
}

export interface ParentInstance {
  readonly instanceId: string;
  readonly executionId: string;
  readonly name: string;
  readonly version: string | null;
  /** Id of the parent's task that waits for this instance. */
  readonly taskId: number;
}

export interface StartedFields {
  readonly instanceId: string;
  readonly executionId: string;
  readonly name: string;
  readonly version: string | null;
  readonly input: string | null;
  readonly parent: ParentInstance | undefined;
  /** How often a client has started this id before; null for children and later generations. */
  readonly generation: number | null;
}

export function executionStarted(atMs: number, started: StartedFields): HistoryEvent {
  const { instanceId, executionId, name, version, input, parent, generation } = started;
  return event(
    eventTypes.executionStarted,
    atMs,
    {
      OrchestrationInstance: { InstanceId: instanceId, ExecutionId: executionId },
      ParentInstance: parent
        ? {
            Name: parent.name,
            OrchestrationInstance: { InstanceId: parent.instanceId, ExecutionId: parent.executionId },
            TaskScheduleId: parent.taskId,
            Version: parent.version,
          }
        : null,
      Name: name,
      Version: version,
      Input: input,
      Tags: null,
      Correlation: null,
      ParentTraceContext: null,
      ScheduledStartTime: null,
      Generation: generation,
      GenerateNewTrace: false,
    },
    { name },
  );
}

export const orchestratorStarted = (atMs: number) => event(eventTypes.orchestratorStarted, atMs, {});
export const orchestratorCompleted = (atMs: number) => event(eventTypes.orchestratorCompleted, atMs, {});

export const taskScheduled = (atMs: number, id: number, name: string) =>
  event(
    eventTypes.taskScheduled,
    atMs,
    { Name: name, Version: "", Input: null, ParentTraceContext: null, Tags: null },
    { id, name },
  );

export const subCreated = (atMs: number, id: number, name: string, version: string | null, instanceId: string) =>
  event(
    eventTypes.subCreated,
    atMs,
    { Name: name, Version: version, InstanceId: instanceId, Input: null, ClientSpanId: null, Tags: null },
    { id, name },
  );

export const timerCreated = (atMs: number, id: number, fireAt: string) =>
  event(eventTypes.timerCreated, atMs, { FireAt: fireAt }, { id });

export const executionCompleted = (atMs: number, id: number, status: number, result: string | null) =>
  event(
    eventTypes.executionCompleted,
    atMs,
    { OrchestrationStatus: status, Result: result, FailureDetails: null },
    { id },
  );

/** A message to an instance, as the journal keeps it. */
export type Message =
  | { readonly kind: "taskCompleted" | "subCompleted"; readonly ref: number; readonly result: string | null }
  | {
      readonly kind: "taskFailed" | "subFailed";
      readonly ref: number;
      readonly reason: string;
      readonly details: string;
    }
  | { readonly kind: "timerFired"; readonly ref: number; readonly fireAt: string }
  | { readonly kind: "eventRaised"; readonly name: string; readonly input: string | null }
  | { readonly kind: "executionTerminated"; readonly reason: string }
  | { readonly kind: "suspended" | "resumed"; readonly reason: string | null };

/** The history event of a message. */
export function messageEvent(atMs: number, message: Message): HistoryEvent {
  const type = eventTypes[message.kind];
  switch (message.kind) {
    case "taskCompleted":
    case "subCompleted":
      return event(type, atMs, { TaskScheduledId: message.ref, Result: message.result }, { ref: message.ref });
    case "taskFailed":
    case "subFailed": {
      const { ref, reason, details } = message;
      const fields = { TaskScheduledId: ref, Reason: reason, Details: details, FailureDetails: null };
      return event(type, atMs, fields, { ref });
    }
    case "timerFired":
      return event(type, atMs, { TimerId: message.ref, FireAt: message.fireAt }, { ref: message.ref });
    case "eventRaised": {
      const fields = { Name: message.name, Input: message.input, ParentTraceContext: null };
      return event(type, atMs, fields, { name: message.name });
    }
    case "executionTerminated":
      return event(type, atMs, { Input: message.reason }, { name: message.reason });
    case "suspended":
    case "resumed":
      return event(type, atMs, { Reason: message.reason });
  }
}

export const genericEvent = (atMs: number, data: string | null) => event(eventTypes.generic, atMs, { Data: data });

/** Reads back the facts of a parsed event, for histories that come from the journal. */
export function readEventFacts(value: unknown): EventFacts {
  const field = (name: string): unknown => (typeof value === "object" && value !== null ? Reflect.get(value, name) : 0);
  const number = (name: string): number | undefined => {
    const found = field(name);
    return typeof found === "number" ? found : undefined;
  };
  const type = number("EventType") ?? -1;
  const ref = number("TaskScheduledId") ?? number("TimerId");
  const name = type === eventTypes.executionTerminated ? field("Input") : field("Name");
  return {
    type,
    id: number("EventId") ?? -1,
    ...(ref === undefined ? {} : { ref }),
    ...(typeof name === "string" ? { name } : {}),
    atMs: Date.parse(String(field("Timestamp"))),
  };
}
