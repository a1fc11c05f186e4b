import { createHash } from "node:crypto";
import {
  eventTypes,
  executionCompleted,
  executionStarted,
  type Message,
  messageEvent,
  orchestratorCompleted,
  orchestratorStarted,
  subCreated,
  taskScheduled,
  timerCreated,
} from "./history.ts";
import { addToHistory, createInstance, fromSnapshot, type Instance, isFinished, toSnapshot } from "./instance.ts";
import type { EpisodeEnd, EpisodeRecord, JournalRecord, MessageRecord, StartRecord } from "./records.ts";
import { createRetention, type RetentionSettings } from "./retention.ts";
import { rewindHistory } from "./rewind.ts";
import type { ScheduledTask } from "./tasks.ts";

/** Told of what a record has changed, so that somebody acts on it. Silent while a journal is read back. */
export interface HubListener {
  /** The instance has a message to process. */
  readonly onMessage: (instance: Instance) => void;
  readonly onTask: (instance: Instance, task: ScheduledTask) => void;
  readonly onCancel: (instance: Instance, taskId: number) => void;
  readonly onFinish: (instance: Instance) => void;
}

/** All instances of a task hub: what the journal's records, applied in order, come to. */
export interface Hub {
  readonly instances: ReadonlyMap<string, Instance>;
  /** Applies one record. The same records in the same order give the same state. */
  readonly apply: (record: JournalRecord) => void;
  /** Records that give the present state. */
  readonly snapshot: () => JournalRecord[];
}

export interface HubOptions {
  readonly retention: RetentionSettings;
  readonly listener: HubListener;
}

/** Names the execution that follows from another one: by hash, so that reading the journal back gives the same ids. */
function derivedExecutionId(executionId: string, what: string): string {
  return createHash("sha256").update(`${executionId}/${what}`).digest("hex").slice(0, 32);
}

export function createHub({ retention, listener }: HubOptions): Hub {
  const instances = new Map<string, Instance>();
  const keeper = createRetention(retention, (expired) => {
    if (instances.get(expired.id) === expired) instances.delete(expired.id);
  });

  function apply(record: JournalRecord): void {
    switch (record.kind) {
      case "start":
        start(record);
        return;
      case "message":
        deliver(record);
        return;
      case "episode":
        endEpisode(record);
        return;
      case "rewind":
        rewind(record.id, record.reason, record.atMs);
        return;
      case "purge":
        instances.delete(record.id);
        return;
      case "snapshot": {
        const instance = fromSnapshot(record);
        instances.set(instance.id, instance);
        if (isFinished(instance)) keeper.add(instance);
      }
    }
  }

  function start({ kind: _kind, ...record }: StartRecord): void {
    const previous = instances.get(record.id);
    if (previous && !isFinished(previous)) return;
    const generation = previous ? (previous.generation ?? 0) + 1 : 0;
    add(createInstance({ ...record, parent: undefined, generation }));
  }

  function add(instance: Instance): void {
    instances.delete(instance.id); // a restarted instance counts as new in the order of instances
    instances.set(instance.id, instance);
    listener.onMessage(instance);
  }

  function deliver({ id, executionId, atMs, message }: MessageRecord): void {
    const instance = instances.get(id);
    if (!instance || isFinished(instance)) return;
    if (executionId !== null && instance.executionId !== executionId) return; // answers an earlier generation
    if ("ref" in message && !instance.open.delete(message.ref)) return; // answered before, or cancelled
    instance.inbox.push(messageEvent(atMs, message));
    listener.onMessage(instance);
  }

  function endEpisode(episode: EpisodeRecord): void {
    const { id, atMs, tasks, cancelled, customStatus, end } = episode;
    const instance = instances.get(id);
    if (!instance || isFinished(instance)) return;
    readInbox(instance, episode);
    instance.updatedAtMs = atMs;
    instance.isNewGeneration = false;
    if (customStatus !== undefined) instance.customStatus = customStatus;
    for (const task of tasks) {
      instance.open.set(task.id, task);
      addToHistory(instance, scheduledEvent(atMs, task), false);
    }
    for (const taskId of cancelled) if (instance.open.delete(taskId)) listener.onCancel(instance, taskId);
    if (end) finish(instance, end, atMs);
    else addToHistory(instance, orchestratorCompleted(atMs), false);
    beginTasks(instance, tasks, atMs);
    if (instance.inbox.length > 0) listener.onMessage(instance);
  }

  function readInbox(instance: Instance, { atMs, taken }: EpisodeRecord): void {
    addToHistory(instance, orchestratorStarted(atMs), false);
    for (const event of instance.inbox.splice(0, taken)) {
      addToHistory(instance, event, true);
      if (event.type === eventTypes.suspended) instance.suspendReason = suspendReason(event.head);
      if (event.type === eventTypes.resumed) instance.suspendReason = null;
    }
    instance.status = instance.suspendReason === null ? "Running" : "Suspended";
  }

  function beginTasks(instance: Instance, tasks: readonly ScheduledTask[], atMs: number): void {
    for (const task of tasks) {
      if (task.kind === "sub") startChild(instance, task, atMs);
      else if (instance.open.has(task.id)) listener.onTask(instance, task);
    }
  }

  function startChild(parent: Instance, task: ScheduledTask & { kind: "sub" }, atMs: number): void {
    const existing = instances.get(task.instanceId);
    if (existing && !isFinished(existing)) {
      const reason = `An Orchestration instance with the status ${existing.status} already exists.`;
      tell(parent, atMs, { kind: "subFailed", ref: task.id, reason, details: "" });
      return;
    }
    const { id: instanceId, executionId, name, version } = parent;
    add(
      createInstance({
        id: task.instanceId,
        executionId: derivedExecutionId(executionId, String(task.id)),
        name: task.name,
        version: task.version,
        input: task.input,
        parent: { instanceId, executionId, name, version, taskId: task.id },
        generation: null,
        atMs,
      }),
    );
  }

  function tell(instance: Instance, atMs: number, message: Message): void {
    deliver({ kind: "message", atMs, id: instance.id, executionId: instance.executionId, message });
  }

  function finish(instance: Instance, end: EpisodeEnd, atMs: number): void {
    if (end.kind === "continued") {
      startGeneration(instance, end.input, atMs);
      return;
    }
    const [status, result] = outcome(end);
    instance.status = status;
    instance.output = end.kind === "completed" ? end.output : JSON.stringify(result);
    addToHistory(instance, executionCompleted(atMs, end.eventId, statusNumbers[status], instance.output), false);
    addToHistory(instance, orchestratorCompleted(atMs), false);
    instance.inbox = [];
    for (const taskId of instance.open.keys()) listener.onCancel(instance, taskId);
    instance.open.clear();
    keeper.add(instance);
    tellParent(instance, end, atMs);
    listener.onFinish(instance);
  }

  function startGeneration(instance: Instance, input: string | null, atMs: number): void {
    for (const taskId of instance.open.keys()) listener.onCancel(instance, taskId);
    instance.open.clear();
    instance.executionId = derivedExecutionId(instance.executionId, "next");
    instance.generation = null;
    instance.input = input;
    instance.createdAtMs = atMs;
    instance.events = [];
    instance.history = "";
    instance.isNewGeneration = true;
    const { id: instanceId, executionId, name, version, parent, generation } = instance;
    const started = executionStarted(atMs, { instanceId, executionId, name, version, input, parent, generation });
    // The first payload of a new generation ends with OrchestratorCompleted (recorded in g-loop).
    instance.inbox = [started, orchestratorCompleted(atMs), ...instance.inbox.filter(({ ref }) => ref === undefined)];
  }

  function tellParent(instance: Instance, end: FinalEnd, atMs: number): void {
    const parent = instance.parent && instances.get(instance.parent.instanceId);
    if (!instance.parent || !parent || parent.executionId !== instance.parent.executionId) return;
    tell(parent, atMs, endMessage(end, instance.parent.taskId));
  }

  function rewind(id: string, reason: string, atMs: number): void {
    const instance = instances.get(id);
    if (instance?.status !== "Failed") return;
    const children = rewindHistory(instance, reason, atMs);
    for (const child of children) rewind(child, reason, atMs);
    listener.onMessage(instance);
  }

  return {
    instances,
    apply,
    snapshot: () => [...instances.values()].map(toSnapshot),
  };
}

const statusNumbers = { Completed: 1, Failed: 3, Terminated: 5 } as const; // DTFx OrchestrationStatus

type FinalEnd = Exclude<EpisodeEnd, { kind: "continued" }>;

/** What a parent hears of its child's end. */
function endMessage(end: FinalEnd, ref: number): Message {
  switch (end.kind) {
    case "completed":
      return { kind: "subCompleted", ref, result: end.output };
    case "failed":
      return { kind: "subFailed", ref, reason: end.error, details: end.details };
    case "terminated":
      return { kind: "subFailed", ref, reason: end.reason, details: "" };
  }
}

function outcome(end: FinalEnd): [keyof typeof statusNumbers, string | null] {
  switch (end.kind) {
    case "completed":
      return ["Completed", end.output];
    case "failed":
      return ["Failed", end.error];
    case "terminated":
      return ["Terminated", end.reason];
  }
}

function scheduledEvent(atMs: number, task: ScheduledTask) {
  switch (task.kind) {
    case "activity":
      return taskScheduled(atMs, task.id, task.name);
    case "sub":
      return subCreated(atMs, task.id, task.name, task.version, task.instanceId);
    case "timer":
      return timerCreated(atMs, task.id, task.fireAt);
  }
}

function suspendReason(head: string): string {
  return String(JSON.parse(`${head}true}`).Reason ?? "");
}
