import { type EventFacts, eventTypes } from "./history.ts";
import type { ScheduledTask } from "./tasks.ts";

/** Called when a task has ended. */
export type OnEnd = (hasFailed: boolean) => void;

interface OpenTask {
  readonly task: ScheduledTask;
  readonly onEnd: OnEnd;
}

/** Numbers the tasks of one replay and compares them with what history says was scheduled before. */
export interface TaskLedger {
  /** Next task id. */
  readonly nextId: () => number;
  readonly schedule: (task: ScheduledTask, onEnd: OnEnd) => void;
  /** Ends a timer that is not waited for any more; says whether it was open. */
  readonly cancel: (id: number) => boolean;
  /** A Scheduled or Created event: the task is no news. Returns what is wrong with the replay, if anything. */
  readonly match: (event: EventFacts) => string | undefined;
  /** A Completed, Failed or Fired event. One that answers no open task is ignored, as DTFx does. */
  readonly end: (ref: number, hasFailed: boolean) => void;
  readonly openTasks: () => Iterable<ScheduledTask>;
  readonly hasOpenTasks: () => boolean;
  /** Tasks that history does not know yet, by id. */
  readonly news: () => ScheduledTask[];
}

/** Source: DurableTask.Core, TaskOrchestrationContext.cs (orchestratorActionsMap, openTasks). */
export function createTaskLedger(): TaskLedger {
  const news = new Map<number, ScheduledTask>();
  const open = new Map<number, OpenTask>();
  let lastId = -1;

  return {
    nextId() {
      lastId += 1;
      return lastId;
    },
    schedule(task, onEnd) {
      news.set(task.id, task);
      open.set(task.id, { task, onEnd });
    },
    cancel: (id) => open.delete(id),
    match(event) {
      const task = news.get(event.id);
      news.delete(event.id);
      return mismatch(event, task);
    },
    end(ref, hasFailed) {
      const ended = open.get(ref);
      open.delete(ref);
      ended?.onEnd(hasFailed);
    },
    *openTasks() {
      for (const { task } of open.values()) yield task;
    },
    hasOpenTasks: () => open.size > 0,
    news: () => [...news.values()],
  };
}

const kindOfEvent: Readonly<Record<number, ScheduledTask["kind"]>> = {
  [eventTypes.taskScheduled]: "activity",
  [eventTypes.subCreated]: "sub",
  [eventTypes.timerCreated]: "timer",
};

const actionNames = {
  activity: "ScheduleTaskOrchestratorAction",
  sub: "CreateSubOrchestrationAction",
  timer: "CreateTimerOrchestratorAction",
} as const;

const taskNames = { activity: "an activity task", sub: "a sub-orchestration", timer: "a timer" } as const;
const question = "Was a change made to the orchestrator code after this instance had already started running?";

/** Texts of DTFx where they were recorded (g-nondet, g-throwSigStrInput), in its manner elsewhere. */
function mismatch(event: EventFacts, task: ScheduledTask | undefined): string | undefined {
  const kind = kindOfEvent[event.type] ?? "activity";
  const before = `Non-Deterministic workflow detected: A previous execution of this orchestration scheduled ${taskNames[kind]}`;
  const name = event.name === undefined ? "" : ` and name '${event.name}' (version '')`;
  if (!task) {
    return `${before} with sequence ID ${event.id}${name}, but the current replay execution hasn't (yet?) scheduled this task. ${question}`;
  }
  const named = event.name === undefined ? "" : ` named '${event.name}'`;
  if (task.kind !== kind) {
    return `${before} with sequence number ${event.id}${named}, but the current orchestration replay instead produced a ${actionNames[task.kind]} action with this sequence number. ${question}`;
  }
  if (task.kind !== "timer" && task.name !== event.name) {
    return `${before} with sequence number ${event.id}${named}, but the current orchestration replay instead scheduled ${taskNames[kind]} named '${task.name}' with this sequence number. ${question}`;
  }
  return undefined;
}
