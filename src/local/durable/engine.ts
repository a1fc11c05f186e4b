import { randomUUID } from "node:crypto";
import { triggerOf } from "../functions-host/rpc.ts";
import type { Worker } from "../functions-host/worker.ts";
import { createRunActivity } from "./activities.ts";
import type { Clock } from "./clock.ts";
import { createRunEpisode } from "./episode.ts";
import type { Message } from "./history.ts";
import { createHub, type HubListener } from "./hub.ts";
import { type Instance, isFinished } from "./instance.ts";
import type { Journal } from "./journal.ts";
import type { JournalRecord, RuntimeStatus } from "./records.ts";
import { createScheduler } from "./scheduler.ts";
import type { DurableSettings } from "./settings.ts";
import { type InstanceStatus, type StatusOptions, statusOf } from "./status.ts";
import { createStepCheck } from "./strict.ts";
import { jsonText } from "./tasks.ts";
import { mayRunVersion } from "./version.ts";

export interface EngineDeps {
  readonly worker: Pick<Worker, "functions" | "invoke">;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly settings: DurableSettings;
  readonly log: (level: "information" | "warning" | "error", message: string) => void;
}

export interface StartOptions {
  /** Default: a new one. */
  readonly instanceId?: string;
  /** Any JSON value. */
  readonly input?: unknown;
  readonly version?: string;
}

export type StartOutcome =
  | { readonly kind: "started"; readonly instanceId: string }
  | { readonly kind: "exists"; readonly status: RuntimeStatus };

/** What became of a command for an instance; `conflict` names the status that forbids it. */
export type CommandOutcome =
  | { readonly kind: "accepted" }
  | { readonly kind: "missing" }
  | { readonly kind: "finished"; readonly status: RuntimeStatus }
  | { readonly kind: "conflict"; readonly status: RuntimeStatus };

export interface ListFilter extends StatusOptions {
  readonly runtimeStatus?: readonly string[];
  readonly instanceIdPrefix?: string;
  readonly createdFromMs?: number;
  readonly createdToMs?: number;
}

/** A task hub in this process. Commands resolve once they are on the disk. */
export interface DurableEngine {
  /** A running instance is left alone; a finished one is overwritten. */
  readonly start: (name: string, options?: StartOptions) => Promise<StartOutcome>;
  readonly raiseEvent: (id: string, eventName: string, data: unknown) => Promise<CommandOutcome>;
  readonly terminate: (id: string, reason: string) => Promise<CommandOutcome>;
  /** Twice is a conflict, as on the genuine host. */
  readonly suspend: (id: string, reason: string) => Promise<CommandOutcome>;
  readonly resume: (id: string, reason: string) => Promise<CommandOutcome>;
  /** Failed instances only. */
  readonly rewind: (id: string, reason: string) => Promise<CommandOutcome>;
  /** Finished instances only. */
  readonly purge: (id: string) => Promise<CommandOutcome>;
  readonly getStatus: (id: string, options?: StatusOptions) => InstanceStatus | undefined;
  /** By instance id. */
  readonly list: (filter?: ListFilter) => InstanceStatus[];
  /** Resolves with the final status; rejects when the engine closes before. */
  readonly waitFor: (id: string) => Promise<InstanceStatus>;
  /** Resolves when nothing runs or waits for its turn; timers and external events may still be waited for. */
  readonly whenIdle: () => Promise<void>;
  /** Takes no more work, waits up to `graceMs` for running activities, and closes the journal. */
  readonly close: (graceMs: number) => Promise<void>;
}

/** Reads the journal back, takes up what was running, and returns the engine. */
export async function createDurableEngine(deps: EngineDeps): Promise<DurableEngine> {
  const { worker, journal, clock, settings, log } = deps;
  const { isStrict, defaultVersion } = settings;
  const finishWaiters = new Map<string, ((instance: Instance | undefined) => void)[]>();
  let idleWaiters: (() => void)[] = [];
  let isOpen = false;

  const hasTrigger = (name: string, type: RegExp): boolean => {
    const metadata = worker.functions.get(name);
    return metadata !== undefined && type.test(triggerOf(metadata).binding.type);
  };
  const isRegistered = (kind: "activity" | "sub", name: string): boolean =>
    hasTrigger(name, kind === "activity" ? /^activityTrigger$/i : /^orchestrationTrigger$/i);

  const scheduler = createScheduler({
    clock,
    maxEpisodes: settings.maxConcurrentOrchestratorFunctions,
    maxActivities: settings.maxConcurrentActivityFunctions,
    runEpisode: createRunEpisode({
      invoke: worker.invoke,
      isOrchestrator: (name) => isRegistered("sub", name),
      checkStep: createStepCheck(isRegistered, isStrict),
      defaultVersion,
      isStrict,
      warn: (instance, message) => log("warning", `${instance.name} ${instance.id}: ${message}`),
    }),
    runActivity: createRunActivity({ invoke: worker.invoke, warn: (message) => log("warning", message) }),
    mayRun(instance) {
      if (mayRunVersion(instance.version, defaultVersion)) return true;
      const own = defaultVersion ?? "none";
      log(
        "warning",
        `${instance.id} stays Pending: its version ${instance.version} is newer than defaultVersion (${own})`,
      );
      return false;
    },
    record,
    onFinish(instance) {
      if (instance.status === "Failed") log("error", `${instance.name} ${instance.id}: ${instance.output}`);
      for (const resolve of finishWaiters.get(instance.id) ?? []) resolve(instance);
      finishWaiters.delete(instance.id);
    },
    onError: (instance, error) => log("error", `${instance.name} ${instance.id}: episode broke off: ${String(error)}`),
    onIdle() {
      for (const resolve of idleWaiters) resolve();
      idleWaiters = [];
    },
  });
  const hub = createHub({ retention: settings.retention, listener: whenOpen(scheduler, () => isOpen) });

  /** Writing down and applying are one step: a snapshot of the hub holds exactly what was appended. */
  function record(entry: JournalRecord): void {
    if (!isOpen) return; // what ends after close() counts as not done, and is done again after the next start
    journal.append(entry);
    hub.apply(entry);
  }

  async function command(
    id: string,
    problem: (instance: Instance) => CommandOutcome | undefined,
    entry: () => JournalRecord,
  ): Promise<CommandOutcome> {
    assertOpen();
    const instance = hub.instances.get(id);
    const refused = instance ? problem(instance) : ({ kind: "missing" } as const);
    if (refused) return refused;
    record(entry());
    await journal.flushed();
    return { kind: "accepted" };
  }

  function assertOpen(): void {
    if (!isOpen) throw new Error("the durable engine is closed");
  }

  const send = (id: string, message: Message, problem = finishedProblem) =>
    command(id, problem, () => ({ kind: "message", atMs: clock.now(), id, executionId: null, message }));

  for (const entry of await journal.open()) hub.apply(entry);
  await journal.begin(hub.snapshot);
  isOpen = true;
  for (const instance of hub.instances.values()) scheduler.resume(instance);

  return {
    async start(name, { instanceId = randomUUID().replaceAll("-", ""), input, version } = {}) {
      assertOpen();
      const existing = hub.instances.get(instanceId);
      if (existing && !isFinished(existing)) return { kind: "exists", status: existing.status };
      record({
        kind: "start",
        atMs: clock.now(),
        id: instanceId,
        executionId: randomUUID(),
        name,
        version: version ?? defaultVersion,
        input: jsonText(input),
      });
      await journal.flushed();
      return { kind: "started", instanceId };
    },
    raiseEvent: (id, name, data) => send(id, { kind: "eventRaised", name, input: jsonText(data) }),
    terminate: (id, reason) => send(id, { kind: "executionTerminated", reason }),
    suspend: (id, reason) =>
      send(id, { kind: "suspended", reason }, (instance) =>
        instance.status === "Suspended" ? { kind: "conflict", status: instance.status } : finishedProblem(instance),
      ),
    resume: (id, reason) => send(id, { kind: "resumed", reason }),
    rewind: (id, reason) =>
      command(
        id,
        ({ status }) => (status === "Failed" ? undefined : { kind: "conflict", status }),
        () => ({ kind: "rewind", atMs: clock.now(), id, reason }),
      ),
    purge: (id) =>
      command(
        id,
        (instance) => (isFinished(instance) ? undefined : { kind: "conflict", status: instance.status }),
        () => ({ kind: "purge", id }),
      ),
    getStatus(id, options) {
      const instance = hub.instances.get(id);
      return instance && statusOf(instance, options);
    },
    list: (filter = {}) =>
      [...hub.instances.values()]
        .filter((instance) => matches(instance, filter))
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .map((instance) => statusOf(instance, filter)),
    waitFor(id) {
      const instance = hub.instances.get(id);
      if (instance && isFinished(instance)) return Promise.resolve(statusOf(instance));
      return new Promise((resolve, reject) => {
        const settle = (finished: Instance | undefined) =>
          finished ? resolve(statusOf(finished)) : reject(new Error(`the engine closed before ${id} ended`));
        finishWaiters.set(id, [...(finishWaiters.get(id) ?? []), settle]);
      });
    },
    whenIdle: () => (scheduler.isIdle() ? Promise.resolve() : new Promise((resolve) => idleWaiters.push(resolve))),
    async close(graceMs) {
      scheduler.stop();
      const idle = new Promise<void>((resolve) => idleWaiters.push(resolve));
      if (!scheduler.isIdle())
        await Promise.race([idle, new Promise((resolve) => setTimeout(resolve, graceMs).unref())]);
      isOpen = false;
      await journal.close();
      for (const waiters of finishWaiters.values()) for (const settle of waiters) settle(undefined);
      finishWaiters.clear();
    },
  };
}

function finishedProblem(instance: Instance): CommandOutcome | undefined {
  return isFinished(instance) ? { kind: "finished", status: instance.status } : undefined;
}

function matches(instance: Instance, filter: ListFilter): boolean {
  const {
    runtimeStatus = [],
    instanceIdPrefix = "",
    createdFromMs = 0,
    createdToMs = Number.POSITIVE_INFINITY,
  } = filter;
  return (
    (runtimeStatus.length === 0 || runtimeStatus.includes(instance.status)) &&
    instance.id.startsWith(instanceIdPrefix) &&
    instance.createdAtMs >= createdFromMs &&
    instance.createdAtMs <= createdToMs
  );
}

/** While the journal is read back nothing is acted on: what happened has happened. */
function whenOpen(listener: HubListener, isOpen: () => boolean): HubListener {
  return {
    onMessage: (instance) => isOpen() && listener.onMessage(instance),
    onTask: (instance, task) => isOpen() && listener.onTask(instance, task),
    onCancel: (instance, taskId) => isOpen() && listener.onCancel(instance, taskId),
    onFinish: (instance) => isOpen() && listener.onFinish(instance),
  };
}
