import type { Clock } from "./clock.ts";
import type { RunEpisode } from "./episode.ts";
import type { Message } from "./history.ts";
import type { HubListener } from "./hub.ts";
import { type Instance, isFinished } from "./instance.ts";
import { createLimiter } from "./limiter.ts";
import type { JournalRecord } from "./records.ts";
import type { ScheduledTask } from "./tasks.ts";

export interface SchedulerDeps {
  readonly clock: Clock;
  readonly maxEpisodes: number;
  readonly maxActivities: number;
  readonly runEpisode: RunEpisode;
  readonly runActivity: (instanceId: string, task: ScheduledTask & { kind: "activity" }) => Promise<Message>;
  readonly mayRun: (instance: Instance) => boolean;
  /** Writes down what has happened and applies it. */
  readonly record: (record: JournalRecord) => void;
  readonly onFinish: (instance: Instance) => void;
  readonly onError: (instance: Instance, error: unknown) => void;
  /** Nothing runs and nothing waits to run; timers may. */
  readonly onIdle: () => void;
}

/** Gives instances their turns, runs activities and arms timers. */
export interface Scheduler extends HubListener {
  /** Takes up whatever is open in an instance that was read back from the journal. */
  readonly resume: (instance: Instance) => void;
  readonly isIdle: () => boolean;
  /** From here on nothing new begins. */
  readonly stop: () => void;
}

export function createScheduler(deps: SchedulerDeps): Scheduler {
  const { clock, record } = deps;
  const episodes = createLimiter(deps.maxEpisodes, checkIdle);
  const activities = createLimiter(deps.maxActivities, checkIdle);
  const scheduled = new Set<string>(); // instances that have or wait for a turn
  const episodeMs = new WeakMap<Instance, number>(); // how long the last one took
  const timers = new Map<string, ArmedTimer>(); // in the order of their creation
  let isStopped = false;

  function isIdle(): boolean {
    return (isStopped || scheduled.size === 0) && episodes.isIdle() && activities.isIdle();
  }

  function checkIdle(): void {
    if (isIdle()) deps.onIdle();
  }

  function onMessage(instance: Instance): void {
    if (isStopped || scheduled.has(instance.id) || !deps.mayRun(instance)) return;
    scheduled.add(instance.id);
    const begin = (): void => episodes.run(() => takeTurn(instance));
    const pauseMs = pauseBefore(instance);
    if (pauseMs > 0) clock.setTimer(clock.now() + pauseMs, begin);
    else setImmediate(begin); // whatever arrives in this turn of the event loop goes into the same episode
  }

  /**
   * An episode replays the whole history, so that a fan-in answered one message at a time costs the square of its width.
   * While more answers are due, a long history therefore waits for some of them, in proportion to its last episode.
   */
  function pauseBefore(instance: Instance): number {
    const lastMs = episodeMs.get(instance) ?? 0;
    if (instance.open.size === 0 || lastMs < shortEpisodeMs) return 0;
    return Math.min(lastMs * pausePerEpisode, maxPauseMs);
  }

  async function takeTurn(instance: Instance): Promise<void> {
    const beganAtMs = clock.now();
    try {
      if (!isStopped && instance.inbox.length > 0) record(await deps.runEpisode(instance, beganAtMs));
    } catch (error) {
      scheduled.delete(instance.id); // a bug of this host: the next message tries again, nothing spins
      deps.onError(instance, error);
      return;
    }
    episodeMs.set(instance, clock.now() - beganAtMs);
    scheduled.delete(instance.id);
    if (instance.inbox.length > 0 && !isFinished(instance)) onMessage(instance);
  }

  function onTask(instance: Instance, task: ScheduledTask): void {
    if (isStopped) return;
    const { id, executionId } = instance;
    const send = (message: Message): void => {
      record({ kind: "message", atMs: clock.now(), id, executionId, message });
    };
    if (task.kind === "activity") {
      activities.run(async () => {
        // Terminated, or a later generation, by the time its turn comes
        if (instance.executionId !== executionId || isFinished(instance)) return;
        send(await deps.runActivity(id, task));
      });
    }
    if (task.kind === "timer") {
      const atMs = Date.parse(task.fireAt);
      timers.set(timerKey(instance, task.id), {
        atMs,
        disarm: clock.setTimer(atMs, () => fireUntil(atMs)),
        fire: () => send({ kind: "timerFired", ref: task.id, fireAt: task.fireAt }),
      });
    }
  }

  /** Timers fire in the order of their times, those of one time as they were made: the system's come as they like. */
  function fireUntil(atMs: number): void {
    const due = [...timers].filter(([, timer]) => timer.atMs <= atMs);
    for (const [key, { disarm, fire }] of due.toSorted(([, one], [, other]) => one.atMs - other.atMs)) {
      disarm();
      if (timers.delete(key)) fire(); // what an earlier one has cancelled does not
    }
  }

  function onCancel(instance: Instance, taskId: number): void {
    const key = timerKey(instance, taskId);
    timers.get(key)?.disarm();
    timers.delete(key);
  }

  return {
    onMessage,
    onTask,
    onCancel,
    onFinish: deps.onFinish,
    resume(instance) {
      if (isFinished(instance)) return;
      for (const task of instance.open.values()) onTask(instance, task);
      if (instance.inbox.length > 0) onMessage(instance);
    },
    isIdle,
    stop() {
      isStopped = true;
      episodes.clear();
      activities.clear();
      for (const { disarm } of timers.values()) disarm();
      timers.clear();
    },
  };
}

interface ArmedTimer {
  readonly atMs: number;
  readonly disarm: () => void;
  readonly fire: () => void;
}

const shortEpisodeMs = 3;
const pausePerEpisode = 3;
const maxPauseMs = 250;

function timerKey(instance: Instance, taskId: number): string {
  return `${instance.executionId}/${taskId}`;
}
