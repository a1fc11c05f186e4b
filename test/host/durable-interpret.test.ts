import { describe, expect, it } from "vitest";
import type { Action, RetryOptions } from "../../src/local/durable/actions.ts";
import { type EventFacts, eventTypes } from "../../src/local/durable/history.ts";
import { interpret, type ReplayInput } from "../../src/local/durable/interpret.ts";
import { createStepCheck } from "../../src/local/durable/strict.ts";

const { executionStarted, taskScheduled, taskCompleted, taskFailed, timerCreated, timerFired } = eventTypes;
const { orchestratorStarted, suspended, resumed, eventRaised } = eventTypes;

const step = (name: string, retry?: Partial<RetryOptions>): Action => ({
  kind: "activity",
  name,
  input: {},
  instanceId: undefined,
  version: undefined,
  retry: retry && {
    firstRetryIntervalInMilliseconds: 1_000,
    maxNumberOfAttempts: 3,
    backoffCoefficient: 2,
    maxRetryIntervalInMilliseconds: Number.POSITIVE_INFINITY,
    retryTimeoutInMilliseconds: undefined,
    ...retry,
  },
});
const timer = (fireAt: string, isCanceled = false): Action => ({ kind: "timer", fireAt, isCanceled });
const externalEvent = (name: string): Action => ({ kind: "event", name });

const event = (type: number, facts: Partial<EventFacts> = {}): EventFacts => ({ type, id: -1, atMs: 0, ...facts });
const begin = [event(orchestratorStarted), event(executionStarted, { name: "o" })];

function replay(actions: readonly Action[], events: readonly EventFacts[], more: Partial<ReplayInput> = {}) {
  return interpret({
    actions,
    events: [...begin, ...events],
    executionId: "x",
    defaultVersion: null,
    isStrict: true,
    checkStep: createStepCheck(() => true, true),
    ...more,
  });
}

describe("task ids", () => {
  it("go depth-first through nested compounds", () => {
    const inner: Action = { kind: "any", children: [step("a"), step("b")] };

    const { tasks } = replay([{ kind: "all", children: [inner, step("c")] }], []);

    expect(tasks.map((task) => [task.id, "name" in task && task.name])).toEqual([
      [0, "a"],
      [1, "b"],
      [2, "c"],
    ]);
  });

  it("are given to retries in the order of the events, before the next action", () => {
    const actions: Action[] = [{ kind: "all", children: [step("a", {}), step("b", {})] }, step("c")];

    const { tasks } = replay(actions, [
      event(taskScheduled, { id: 0, name: "a" }),
      event(taskScheduled, { id: 1, name: "b" }),
      event(taskFailed, { ref: 1 }),
      event(taskFailed, { ref: 0 }),
      event(timerCreated, { id: 2 }),
      event(timerCreated, { id: 3 }),
      event(timerFired, { ref: 3 }),
    ]);

    expect(tasks).toEqual([{ kind: "activity", id: 4, name: "a", input: "{}" }]);
  });
});

describe("a retry", () => {
  const failedTwice = [
    event(taskScheduled, { id: 0, name: "a" }),
    event(taskFailed, { ref: 0 }),
    event(timerCreated, { id: 1 }),
    event(timerFired, { ref: 1 }),
    event(taskScheduled, { id: 2, name: "a" }),
    event(orchestratorStarted, { atMs: 5_000 }),
    event(taskFailed, { ref: 2 }),
  ];

  it("waits longer each time, from the time of the episode", () => {
    expect(replay([step("a", {})], failedTwice).tasks).toEqual([
      { kind: "timer", id: 3, fireAt: new Date(7_000).toISOString() },
    ]);
  });

  it("waits for the maximum at most", () => {
    expect(replay([step("a", { maxRetryIntervalInMilliseconds: 1_500 })], failedTwice).tasks).toEqual([
      { kind: "timer", id: 3, fireAt: new Date(6_500).toISOString() },
    ]);
  });

  it("makes a timer without delay after the last failure, and ends when that has fired", () => {
    const actions = [step("a", { maxNumberOfAttempts: 2 }), step("next")];

    const waiting = replay(actions, failedTwice);
    const over = replay(actions, [...failedTwice, event(timerCreated, { id: 3 }), event(timerFired, { ref: 3 })]);

    expect(waiting.tasks).toEqual([{ kind: "timer", id: 3, fireAt: new Date(5_000).toISOString() }]);
    expect(over.tasks).toEqual([{ kind: "activity", id: 4, name: "next", input: "{}" }]);
  });

  it("must not have a time limit, which hangs on the genuine host", () => {
    expect(replay([step("a", { retryTimeoutInMilliseconds: 60_000 })], []).fault).toMatch(/retryTimeoutInMilliseconds/);
  });
});

describe("a timer", () => {
  const inDays = (days: number) => new Date(days * 86_400_000).toISOString();

  it("of more than six days goes there in hops of three", () => {
    const actions = [timer(inDays(10))];
    const hop = [event(timerCreated, { id: 0 }), event(orchestratorStarted, { atMs: 3 * 86_400_000 })];

    expect(replay(actions, []).tasks).toEqual([{ kind: "timer", id: 0, fireAt: inDays(3) }]);
    expect(replay(actions, [...hop, event(timerFired, { ref: 0 })]).tasks).toEqual([
      { kind: "timer", id: 1, fireAt: inDays(6) },
    ]);
  });

  it("that is cancelled is open no more", () => {
    const race: Action = { kind: "any", children: [externalEvent("go"), timer(inDays(1), true)] };

    const result = replay([race], [event(timerCreated, { id: 0 }), event(eventRaised, { name: "go" })]);

    expect(result).toMatchObject({ isSettled: true, cancelled: [0] });
  });

  it("that is not cancelled keeps the instance open", () => {
    const race: Action = { kind: "any", children: [externalEvent("go"), timer(inDays(1))] };

    const result = replay([race], [event(timerCreated, { id: 0 }), event(eventRaised, { name: "go" })]);

    expect(result.isSettled).toBe(false);
  });
});

describe("waiting for an external event", () => {
  const round = (fireAt: string, isCanceled: boolean): Action => ({
    kind: "any",
    children: [timer(fireAt, isCanceled), externalEvent("cancel")],
  });

  it("may be done anew in each round, and keeps nothing open", () => {
    const actions = [round("1970-01-01T00:00:01.000Z", false), round("1970-01-01T00:00:02.000Z", true)];

    const result = replay(actions, [
      event(timerCreated, { id: 0 }),
      event(timerFired, { ref: 0 }),
      event(timerCreated, { id: 1 }),
      event(eventRaised, { name: "cancel" }),
    ]);

    expect(result).toMatchObject({
      fault: undefined,
      nonDeterminism: undefined,
      isSettled: true,
      unconsumedEvents: [],
    });
  });
});

describe("a suspended instance", () => {
  it("schedules nothing until it is resumed, and then what its events ask for", () => {
    const actions = [step("a"), step("b")];
    const held = [event(taskScheduled, { id: 0, name: "a" }), event(suspended), event(taskCompleted, { ref: 0 })];

    expect(replay(actions, held).tasks).toEqual([]);
    expect(replay(actions, [...held, event(resumed)]).tasks).toEqual([
      { kind: "activity", id: 1, name: "b", input: "{}" },
    ]);
  });
});
