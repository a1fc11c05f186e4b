import type { Action, StepAction } from "./actions.ts";
import { type EventFacts, eventTypes } from "./history.ts";
import { createNode, endNode, type Node } from "./replay-node.ts";
import { nextRetryAtMs } from "./retry.ts";
import { reyieldFault, type StepCheck } from "./strict.ts";
import { createTaskLedger } from "./task-ledger.ts";
import { activityInput, jsonText, type ScheduledTask } from "./tasks.ts";
import { hopFireAt } from "./timer-hops.ts";

export interface ReplayInput {
  /** Every action since the start, as the worker has just answered. */
  readonly actions: readonly Action[];
  /** The whole history, new events last. */
  readonly events: readonly EventFacts[];
  readonly executionId: string;
  /** Version that children get when the orchestrator names none. */
  readonly defaultVersion: string | null;
  readonly isStrict: boolean;
  /** What is wrong with calling this step, if anything. */
  readonly checkStep: StepCheck;
}

/** What a replay of the action list over the history comes to. */
export interface Replay {
  /** Tasks to schedule now, by id; none while suspended. */
  readonly tasks: readonly ScheduledTask[];
  /** Ids of timers that the orchestrator has cancelled. */
  readonly cancelled: readonly number[];
  /** Every action has been awaited and no task is open: the orchestrator's answer may count. */
  readonly isSettled: boolean;
  readonly nextId: number;
  /** JSON text of the next generation's input. */
  readonly continuedWith: { readonly input: string | null } | undefined;
  /** Names of events that arrived and that nobody has waited for. */
  readonly unconsumedEvents: readonly string[];
  readonly terminatedWith: string | undefined;
  /** The replay does not fit the history. */
  readonly nonDeterminism: string | undefined;
  /** Something that would hang or go wrong on the genuine host (strict only). */
  readonly fault: string | undefined;
}

/**
 * Runs the action list again over the whole history, as the extension does in each episode: awaits one action after the
 * other, so that ids are given in the order of events, children depth-first, and a `Task.all` that failed early holds back
 * the next action. Works on plain facts, so that it costs little beside the orchestrator's own replay.
 * Source: durable extension, OutOfProcOrchestrationShim.ProcessAsyncActionsV2; DTFx TaskOrchestrationExecutor.
 */
export function interpret(input: ReplayInput): Replay {
  const { actions, executionId, isStrict } = input;
  const ledger = createTaskLedger();
  const cancelled: number[] = [];
  const buffered = new Map<string, number>(); // events that nobody waits for yet; only their number matters here
  const waiters = new Map<string, Node[]>();
  const heldBack: EventFacts[] = []; // while suspended
  let nowMs = 0;
  let cursor = -1;
  let current: Node | undefined;
  let isSuspended = false;
  let continuedWith: Replay["continuedWith"];
  let terminatedWith: string | undefined;
  let nonDeterminism: string | undefined;
  let fault: string | undefined;

  function advance(): void {
    while (cursor + 1 < actions.length && fault === undefined) {
      cursor += 1;
      const action = actions[cursor];
      if (!action) return;
      if (isStrict) fault ??= reyieldFault(action, ledger.openTasks());
      current = schedule(action, undefined);
      if (!current.isDone) return;
    }
    current = undefined;
  }

  function finish(node: Node): void {
    if (endNode(node) === current && current?.isDone) advance();
  }

  function schedule(action: Action, parent: Node | undefined): Node {
    const node = createNode(parent);
    switch (action.kind) {
      case "all":
      case "any": {
        const children = action.children.map((child) => schedule(child, node));
        const ended = children.filter((child) => child.isDone).length;
        node.waitsFor = action.kind === "any" ? Number(ended === 0) : children.length - ended;
        node.isDone = node.waitsFor === 0;
        return node;
      }
      case "event":
        waitForEvent(action.name, node);
        return node;
      case "timer":
        startTimer(action.fireAt, action.isCanceled, node);
        return node;
      case "continueAsNew":
        continuedWith = { input: jsonText(action.input) };
        node.isDone = true;
        return node;
      case "activity":
      case "sub":
        startStep(action, node);
        return node;
      case "unsupported":
        fault ??= `action type ${action.actionType} (entities, callHttp) is not supported by the embedded host`;
        node.isDone = true;
        return node;
    }
  }

  function waitForEvent(name: string, node: Node): void {
    const key = name.toLowerCase(); // .NET compares event names without regard to case, the SDK does not
    const waiting = buffered.get(key) ?? 0;
    if (waiting > 0) {
      buffered.set(key, waiting - 1);
      node.isDone = true;
    } else waiters.set(key, [...(waiters.get(key) ?? []), node]);
  }

  function startTimer(fireAt: string, isCanceled: boolean, node: Node): void {
    const id = ledger.nextId();
    const hop = hopFireAt(nowMs, fireAt);
    ledger.schedule({ kind: "timer", id, fireAt: hop }, () => {
      if (hop === fireAt) finish(node);
      else startTimer(fireAt, isCanceled, node);
    });
    if (!isCanceled) return;
    // Cancelled when the list was made, so done from the start: exactly what the extension makes of it.
    ledger.cancel(id);
    cancelled.push(id);
    node.isDone = true;
  }

  function startStep(action: StepAction, node: Node): void {
    const problem = input.checkStep(action);
    if (problem !== undefined) {
      if (isStrict) fault ??= problem;
      node.isDone = true; // the extension throws here, and swallows it
      return;
    }
    const firstAtMs = nowMs;
    const tryOnce = (attempt: number): void => {
      ledger.schedule(stepTask(action, ledger.nextId()), (hasFailed) => {
        if (hasFailed && action.retry) waitForRetry(attempt, action.retry.maxNumberOfAttempts);
        else finish(node);
      });
    };
    const waitForRetry = (attempt: number, maxAttempts: number): void => {
      const atMs = action.retry && nextRetryAtMs(action.retry, attempt, firstAtMs, nowMs);
      if (atMs === undefined) {
        finish(node); // for the extension it has failed; the orchestrator waits for a timer that nobody makes
        return;
      }
      const timer = { kind: "timer", id: ledger.nextId(), fireAt: new Date(atMs).toISOString() } as const;
      ledger.schedule(timer, () => (attempt < maxAttempts ? tryOnce(attempt + 1) : finish(node)));
    };
    tryOnce(1);
  }

  function stepTask(action: StepAction, id: number): ScheduledTask {
    const { kind, name } = action;
    if (kind === "activity") return { kind, id, name, input: activityInput(action.input) };
    return {
      kind,
      id,
      name,
      instanceId: action.instanceId ?? `${executionId}:${id}`,
      version: action.version ?? input.defaultVersion,
      input: jsonText(action.input),
    };
  }

  function process(event: EventFacts): void {
    switch (event.type) {
      case eventTypes.executionStarted:
        advance();
        return;
      case eventTypes.taskCompleted:
      case eventTypes.subCompleted:
      case eventTypes.timerFired:
        ledger.end(event.ref ?? -1, false);
        return;
      case eventTypes.taskFailed:
      case eventTypes.subFailed:
        ledger.end(event.ref ?? -1, true);
        return;
      case eventTypes.eventRaised: {
        const key = (event.name ?? "").toLowerCase();
        const node = waiters.get(key)?.pop(); // the newest waiter first, as in the SDK
        if (node) finish(node);
        else buffered.set(key, (buffered.get(key) ?? 0) + 1);
        return;
      }
    }
  }

  function receive(event: EventFacts): void {
    switch (event.type) {
      case eventTypes.orchestratorStarted:
        nowMs = Math.max(nowMs, event.atMs);
        return;
      case eventTypes.taskScheduled:
      case eventTypes.subCreated:
      case eventTypes.timerCreated:
        nonDeterminism ??= ledger.match(event);
        return;
      case eventTypes.executionTerminated:
        terminatedWith ??= event.name ?? "";
        return;
      case eventTypes.suspended:
        isSuspended = true;
        return;
      case eventTypes.resumed:
        isSuspended = false;
        for (const held of heldBack.splice(0)) process(held);
        return;
      default:
        if (isSuspended) heldBack.push(event);
        else process(event);
    }
  }

  for (const event of input.events) {
    receive(event);
    if (nonDeterminism !== undefined || terminatedWith !== undefined || fault !== undefined) break;
  }
  return {
    tasks: isSuspended ? [] : ledger.news(),
    cancelled,
    isSettled: cursor + 1 >= actions.length && current === undefined && !ledger.hasOpenTasks(),
    nextId: ledger.nextId(),
    continuedWith,
    unconsumedEvents: [...buffered].filter(([, count]) => count > 0).map(([name]) => name),
    terminatedWith,
    nonDeterminism,
    fault,
  };
}
