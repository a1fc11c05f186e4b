import {
  type EventFacts,
  eventText,
  executionStarted,
  type HistoryEvent,
  type ParentInstance,
  readEventFacts,
  type StartedFields,
} from "./history.ts";
import type { RuntimeStatus, SnapshotRecord } from "./records.ts";
import type { ScheduledTask } from "./tasks.ts";

/** One orchestration instance. Only the hub changes it, and only by applying journal records. */
export interface Instance {
  readonly id: string;
  readonly name: string;
  readonly version: string | null;
  readonly parent: ParentInstance | undefined;
  createdAtMs: number;
  executionId: string;
  generation: number | null;
  input: string | null;
  output: string | null;
  customStatus: string | null;
  status: RuntimeStatus;
  suspendReason: string | null;
  updatedAtMs: number;
  /** Facts of all events of the history, and their texts joined by commas: serialised once, never parsed again. */
  events: EventFacts[];
  history: string;
  /** Messages that no episode has processed yet. */
  inbox: HistoryEvent[];
  /** Tasks that were scheduled and have sent no message yet, by id. */
  open: Map<number, ScheduledTask>;
  /** Its next episode is the first after continueAsNew: that one keeps the custom status if it sets none. */
  isNewGeneration: boolean;
}

export interface NewInstance extends Omit<StartedFields, "instanceId"> {
  readonly id: string;
  readonly atMs: number;
}

export function createInstance(start: NewInstance): Instance {
  const { id, executionId, name, version, input, parent, generation, atMs } = start;
  return {
    id,
    name,
    version,
    parent,
    createdAtMs: atMs,
    executionId,
    generation,
    input,
    output: null,
    customStatus: null,
    status: "Pending",
    suspendReason: null,
    updatedAtMs: atMs,
    events: [],
    history: "",
    inbox: [executionStarted(atMs, { instanceId: id, executionId, name, version, input, parent, generation })],
    open: new Map(),
    isNewGeneration: false,
  };
}

/** Completed, Failed or Terminated. */
export function isFinished(instance: Instance): boolean {
  return instance.status === "Completed" || instance.status === "Failed" || instance.status === "Terminated";
}

export function addToHistory(instance: Instance, event: HistoryEvent, isPlayed: boolean): void {
  const { head: _head, tail: _tail, ...facts } = event;
  instance.events.push(facts);
  const text = eventText(event, isPlayed);
  instance.history = instance.history === "" ? text : `${instance.history},${text}`;
}

/** Everything about an instance in one record. */
export function toSnapshot(instance: Instance): SnapshotRecord {
  const { events: _events, inbox, open, parent, ...rest } = instance;
  return {
    kind: "snapshot",
    ...rest,
    ...(parent ? { parent } : {}),
    inbox: inbox.map((message) => eventText(message, false)),
    open: [...open.values()],
  };
}

export function fromSnapshot(snapshot: SnapshotRecord): Instance {
  const { kind: _kind, inbox, open, parent, ...rest } = snapshot;
  const history: unknown[] = JSON.parse(`[${snapshot.history}]`);
  return {
    ...rest,
    parent,
    events: history.map(readEventFacts),
    inbox: inbox.map(fromText),
    open: new Map(open.map((task) => [task.id, task])),
  };
}

function fromText(text: string): HistoryEvent {
  const [head, tail] = splitAtPlayed(text);
  return { ...readEventFacts(JSON.parse(text)), head, tail };
}

const playedField = '"IsPlayed":';

function splitAtPlayed(text: string): [string, string] {
  const at = text.lastIndexOf(`${playedField}false,"Timestamp":`);
  return [text.slice(0, at + playedField.length), text.slice(at + playedField.length + "false".length)];
}
