import type { RpcReturn, RpcTypedData } from "../functions-host/rpc.ts";
import { eventText, type HistoryEvent, orchestratorStarted } from "./history.ts";
import type { Instance } from "./instance.ts";
import { interpret, type Replay } from "./interpret.ts";
import type { EpisodeEnd, EpisodeRecord } from "./records.ts";
import { type EpisodeResponse, readReturn, readThrown } from "./response.ts";
import { type StepCheck, strictPrefix } from "./strict.ts";

export interface EpisodeDeps {
  readonly invoke: (name: string, trigger: RpcTypedData) => Promise<RpcReturn>;
  readonly isOrchestrator: (name: string) => boolean;
  readonly checkStep: StepCheck;
  readonly defaultVersion: string | null;
  readonly isStrict: boolean;
  readonly warn: (instance: Instance, message: string) => void;
}

/** Runs one episode of an instance: hands the history to its orchestrator and returns what is to be recorded. */
export type RunEpisode = (instance: Instance, atMs: number) => Promise<EpisodeRecord>;

export function createRunEpisode(deps: EpisodeDeps): RunEpisode {
  return async (instance, atMs) => {
    const batch = nextBatch(instance.inbox);
    const record = { kind: "episode", atMs, id: instance.id, taken: batch.length } as const;
    if (!deps.isOrchestrator(instance.name)) {
      const why = `The function '${instance.name}' doesn't exist, is disabled, or is not an orchestrator function.`;
      return { ...record, tasks: [], cancelled: [], end: failed(instance, why, 0) };
    }
    const started = orchestratorStarted(atMs);
    const response = await respond(deps, instance, payload(instance, [started, ...batch]));
    const tooBig = customStatusProblem(response.customStatus);
    if (tooBig !== undefined) return { ...record, tasks: [], cancelled: [], end: failed(instance, tooBig, 0) };

    const replay = interpret({
      actions: response.actions,
      events: [...instance.events, started, ...batch],
      executionId: instance.executionId,
      defaultVersion: deps.defaultVersion,
      isStrict: deps.isStrict,
      checkStep: deps.checkStep,
    });
    const end = decideEnd(deps, instance, response, replay);
    const isOver = end !== undefined && end.kind !== "continued";
    if (end?.kind === "continued" && replay.unconsumedEvents.length > 0) {
      deps.warn(instance, `continueAsNew drops events nobody waited for: ${replay.unconsumedEvents.join(", ")}`);
    }
    return {
      ...record,
      tasks: isOver ? [] : [...replay.tasks],
      cancelled: [...replay.cancelled],
      ...customStatus(response, instance),
      ...(end ? { end } : {}),
    };
  };
}

/** All that has arrived; but the first episode of a new generation sees the start alone. */
function nextBatch(inbox: readonly HistoryEvent[]): readonly HistoryEvent[] {
  return isNewGeneration(inbox) ? inbox.slice(0, 2) : [...inbox];
}

const startThenCompleted = [0, 13] as const;
function isNewGeneration(inbox: readonly HistoryEvent[]): boolean {
  return startThenCompleted.every((type, at) => inbox[at]?.type === type);
}

async function respond(deps: EpisodeDeps, instance: Instance, text: string): Promise<EpisodeResponse> {
  try {
    return readReturn(await deps.invoke(instance.name, { string: text }));
  } catch (thrown) {
    return readThrown(thrown);
  }
}

function payload(instance: Instance, news: readonly HistoryEvent[]): string {
  const past = instance.history === "" ? "" : `${instance.history},`;
  const history = past + news.map((event) => eventText(event, false)).join(",");
  const parentId = instance.parent ? JSON.stringify(instance.parent.instanceId) : "null";
  return `{"history":[${history}],"input":${instance.input ?? "null"},"instanceId":${JSON.stringify(instance.id)},"isReplaying":${past !== ""},"parentInstanceId":${parentId},${limits}}`;
}

const limits =
  '"upperSchemaVersion":1,"upperSchemaVersionNew":3,"longRunningTimerIntervalDuration":"3.00:00:00","maximumShortTimerDuration":"6.00:00:00","defaultHttpAsyncRequestSleepTimeMillseconds":30000';

function decideEnd(
  { isStrict }: EpisodeDeps,
  instance: Instance,
  response: EpisodeResponse,
  replay: Replay,
): EpisodeEnd | undefined {
  const { nextId: eventId } = replay;
  if (replay.terminatedWith !== undefined) return { kind: "terminated", reason: replay.terminatedWith, eventId };
  if (replay.nonDeterminism !== undefined) {
    return { kind: "failed", error: replay.nonDeterminism, details: "", eventId };
  }
  if (replay.fault !== undefined) return failed(instance, strictPrefix + replay.fault, eventId);
  if (isStrict && response.hasThrown && response.error === undefined) {
    return failed(instance, strictPrefix + threwNoError, eventId);
  }
  if (!replay.isSettled) return undefined;
  if (response.error !== undefined) return failed(instance, response.error, eventId);
  if (!response.isDone) return undefined;
  if (replay.continuedWith) return { kind: "continued", input: replay.continuedWith.input };
  return { kind: "completed", output: response.output, eventId };
}

const threwNoError =
  "the orchestrator threw something that is no Error, or an Error without a message: the genuine host would hang here; throw an Error with a message";

function failed(instance: Instance, message: string, eventId: number): EpisodeEnd {
  return {
    kind: "failed",
    error: `Orchestrator function '${instance.name}' failed: ${message}`,
    details: `Message: ${message}, StackTrace:    at Drayage.EmbeddedHost`,
    eventId,
  };
}

const customStatusMaxKiB = 16;

/** A status counts in whole KiB of UTF-16 (recorded in g-bigStatus). */
function customStatusProblem(status: string | undefined): string | undefined {
  const sizeKiB = Math.floor(((status?.length ?? 0) * 2) / 1024);
  if (sizeKiB <= customStatusMaxKiB) return undefined;
  return `The UTF-16 size of the JSON-serialized payload must not exceed ${customStatusMaxKiB} KB. The current payload size is ${sizeKiB} KB.`;
}

/** None sent clears it, but for the first episode of a generation, which inherits it (recorded in g-loop). */
function customStatus(response: EpisodeResponse, instance: Instance): { customStatus?: string | null } {
  if (response.customStatus !== undefined) return { customStatus: response.customStatus };
  return instance.isNewGeneration ? {} : { customStatus: null };
}
