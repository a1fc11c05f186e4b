import { beforeAll, describe, expect, it } from "vitest";
import type { DurableEngine } from "../../src/local/durable/engine.ts";
import type { Worker } from "../../src/local/functions-host/worker.ts";
import { runEngine, startGoldenWorker } from "./durable-support/engine-run.ts";
import {
  type Answer,
  blank,
  comparable,
  type Generation,
  type RecordedEvent,
  readRecording,
  withoutEpisodes,
} from "./durable-support/recording.ts";

/** Ids of events that answer tasks which ran side by side: their order is a matter of luck. */
type Order = "recorded" | "parallel";

interface Scenario {
  /** Recording, which is also the instance's id. */
  readonly name: string;
  readonly orchestrator: string;
  readonly input?: unknown;
  readonly order?: Order;
  /** The recording's episodes were split differently by polling: only the last answer is compared. */
  readonly answers?: "all" | "last";
  /** Activities, by their inputs, that end only after another one has: the order in which they ended when recorded. */
  readonly endsAfter?: Readonly<Record<string, string>>;
  /** Recordings of children that are to be compared as well: by their ids, or in the order of their calls. */
  readonly children?: readonly string[];
  readonly unnamedChildren?: readonly string[];
  /** Does what the recorded client did; default: waits for the end. */
  readonly drive?: (engine: DurableEngine, id: string) => Promise<unknown>;
}

const wait = (engine: DurableEngine, id: string) => engine.waitFor(id);
const untilIdle = (engine: DurableEngine) => engine.whenIdle();

const scenario = (name: string, more: Partial<Scenario> = {}): Scenario => ({
  name: `g-${name}`,
  orchestrator: name,
  input: {},
  ...more,
});

const inputKind = (name: string, input: unknown): Scenario => ({ name, orchestrator: "inputKind", input });

const scenarios: readonly Scenario[] = [
  scenario("fan5", { order: "parallel", answers: "last" }),
  { name: "at-x", orchestrator: "fan5", input: {}, order: "parallel", answers: "last" },
  scenario("seq"),
  scenario("kinds"),
  scenario("immediate", {
    async drive(engine, id) {
      await wait(engine, id);
      await engine.start("immediate", { instanceId: id, input: {} }); // a finished id is overwritten
      return wait(engine, id);
    },
  }),
  scenario("undefOut"),
  scenario("startLater"),
  scenario("notYielded"),
  scenario("reyieldDone"),
  scenario("anyThenLone"),
  scenario("nested", { answers: "last", order: "parallel" }),
  scenario("slide", { order: "parallel", answers: "last", endsAfter: { '"a"': '"b"', '"c"': '"a"' } }),

  scenario("failCaught"),
  scenario("failStrCaught"),
  scenario("failInAll"),
  scenario("failUncaught", {
    async drive(engine, id) {
      await wait(engine, id);
      await engine.rewind(id, "try");
      return wait(engine, id);
    },
  }),
  scenario("throwFirst"),
  scenario("throwAfter"),
  scenario("throwStr", { drive: untilIdle }),
  scenario("throwSig"),
  scenario("throwSigMsg"),
  scenario("throwSigStrInput"),
  scenario("actSigCaught"),
  scenario("missingAct", { drive: untilIdle }),
  scenario("subMissing", { drive: untilIdle }),

  scenario("retryOk", {
    order: "parallel",
    answers: "last",
    endsAfter: { '{"key":"g-retryOka","failTimes":2}': '{"key":"g-retryOkb","failTimes":1}' },
  }),
  scenario("retryExhaust"),

  scenario("timer"),
  scenario("timerPast"),
  scenario("timerCancel"),
  scenario("timerNotCancelled"),
  scenario("timerWins"),
  scenario("timerLong", {
    async drive(engine, id) {
      await engine.whenIdle();
      await engine.terminate(id, "end");
      return wait(engine, id);
    },
  }),

  scenario("sub", {
    children: ["g-sub-explicit"],
    unnamedChildren: ["73f2944d-2b69-4ffa-954f-ff9e2b114e54~0"],
    answers: "last",
  }),
  scenario("subStrInput", {
    unnamedChildren: [0, 1, 2].map((n) => `9c9b045b-232e-45ae-890d-cb7352d3d723~${n}`),
  }),
  scenario("subFail", { unnamedChildren: ["d8f5f14a-32b2-4e26-9ae4-9b2f014c8442~0"] }),
  scenario("subFailUncaught", { unnamedChildren: ["56554b3d-3414-445d-a2b1-bfb6752f1880~0"] }),
  scenario("subRetry", { children: ["g-subRetry-c"] }),

  scenario("event", {
    async drive(engine, id) {
      await engine.whenIdle();
      await engine.raiseEvent(id, "go", { ok: true });
      return wait(engine, id);
    },
  }),
  scenario("eventEarly", {
    async drive(engine, id) {
      await Promise.all([engine.raiseEvent(id, "go", 1), engine.raiseEvent(id, "go", "two")]);
      return wait(engine, id);
    },
  }),
  scenario("eventAll", {
    async drive(engine, id) {
      await engine.whenIdle();
      await Promise.all([engine.raiseEvent(id, "B", "case?"), engine.raiseEvent(id, "b", "bb")]);
      await engine.whenIdle();
      await engine.raiseEvent(id, "a", "aa");
      return wait(engine, id);
    },
  }),
  scenario("eventAny", {
    async drive(engine, id) {
      await engine.whenIdle();
      await engine.raiseEvent(id, "go", { x: 1 });
      return wait(engine, id);
    },
  }),

  scenario("terminateMe", {
    async drive(engine, id) {
      await engine.whenIdle();
      await engine.terminate(id, "because");
      return wait(engine, id);
    },
  }),
  scenario("suspendMe", {
    async drive(engine, id) {
      await engine.suspend(id, "hold");
      await engine.whenIdle();
      await engine.raiseEvent(id, "go", 7);
      await engine.whenIdle();
      await engine.resume(id, "on");
      return wait(engine, id);
    },
  }),
  scenario("loop", { input: { n: 3 } }),
  scenario("loopEvents", {
    input: { seen: [] },
    async drive(engine, id) {
      await Promise.all([1, 2, 3].map((value) => engine.raiseEvent(id, "go", value)));
      return engine.whenIdle();
    },
  }),
  scenario("bigStatus"),
  scenario("statusFalsy"),

  inputKind("g-inputKind-obj", { a: 1 }),
  inputKind("g-inputKind-arr", [1]),
  inputKind("g-inputKind-num", 5),
  inputKind("g-inputKind-n", "123"),
  inputKind("g-inputKind-t", true),
  inputKind("g-inputKind-nul", null),
  inputKind("g-inputKind-no", undefined),
  inputKind("cl-no", ""), // the SDK's startNew without an input sends an empty string
  inputKind("cl-str", "123"),
];

/** Where the embedded host differs on purpose. docs/embedded-host.md gives the reasons. */
const differences: Readonly<Record<string, { readonly output: unknown }>> = {
  "g-timer": { output: { advanced: true } }, // timers never fire early
};

let worker: Worker;
beforeAll(async () => {
  worker = await startGoldenWorker();
});

async function expectSameAsRecorded(scenario: Scenario): Promise<void> {
  const { name, orchestrator, input, drive = wait, endsAfter = {} } = scenario;
  await using run = await runEngine(worker, { isStrict: false }, { endsAfter });
  const instanceId = name === "at-x" ? "@x" : name;
  const recording = readRecording(name);

  const started = run.engine.start(orchestrator, { instanceId, input });
  await Promise.all([started, drive(run.engine, instanceId)]);

  const own = { ...run.engine.getStatus(instanceId) };
  expect(final(own)).toEqual(final({ ...recording.status, ...differences[name] }));
  compare(run.generations(instanceId), recording.generations, scenario);
  scenario.unnamedChildren?.forEach((child, at) => {
    compare(run.generations(childId(run.generations(instanceId), at)), readRecording(child).generations, scenario);
  });
  for (const child of scenario.children ?? []) {
    compare(run.generations(child), readRecording(child).generations, scenario);
  }
}

describe("an instance of the recorded app", () => {
  it.concurrent.each(scenarios)("$name ends as on the genuine host, by the same events", expectSameAsRecorded);
});

describe("an orchestrator that changes its mind", () => {
  it("fails as on the genuine host when a replay makes another kind of call", () =>
    expectSameAsRecorded(scenario("nondet")));

  it("fails when a later replay calls another activity", async () => {
    await using run = await runEngine(worker, { isStrict: false });

    await run.engine.start("nondetName", { instanceId: "g-nondetName", input: {} });
    const status = await run.engine.waitFor("g-nondetName");

    expect(status.runtimeStatus).toBe("Failed");
    expect(status.output).toMatch(/^Non-Deterministic workflow detected: .* named '(kind|echo)'/);
  });
});

/** Id of the child that an instance started as its `at`th. */
function childId([generation]: readonly Generation[], at: number): string {
  const created = generation?.payload.history.filter(({ EventType }) => EventType === 7) ?? [];
  return String(created[at]?.InstanceId);
}

function compare(ours: readonly Generation[], recorded: readonly Generation[], scenario: Scenario): void {
  expect(ours).toHaveLength(recorded.length);
  recorded.forEach((generation, at) => {
    const own = ours[at];
    if (!own) return;
    const { history: _own, ...ownRest } = own.payload;
    const { history: _recorded, ...recordedRest } = generation.payload;
    expect(blank(ownRest)).toEqual(blank(recordedRest));
    expect(ordered(withoutEpisodes(own.payload), scenario.order)).toEqual(
      ordered(withoutEpisodes(generation.payload), scenario.order),
    );
    expect(fieldNames(own.payload.history)).toEqual(fieldNames(generation.payload.history));
    expect(answers(own.answers, scenario)).toEqual(answers(generation.answers, scenario));
  });
}

function ordered(events: readonly RecordedEvent[], order: Order = "recorded"): unknown {
  if (order === "recorded") return comparable(events);
  // Task ids are given in order; which of several tasks ends first is left to the machine.
  const key = (event: RecordedEvent) =>
    `${event.EventId < 0 ? 1 : 0} ${String(event.TaskScheduledId ?? event.TimerId ?? event.EventId).padStart(4, "0")}`;
  return comparable([...events].sort((a, b) => (key(a) < key(b) ? -1 : Number(key(a) > key(b)))));
}

/** The fields of each event type. */
function fieldNames(history: readonly RecordedEvent[]): Record<number, string> {
  return Object.fromEntries(history.map((event) => [event.EventType, Object.keys(event).sort().join(" ")]));
}

function answers(all: readonly Answer[], { name, answers = "all" }: Scenario): unknown {
  const compared = answers === "last" ? all.slice(-1) : all;
  return compared.map((answer) => (differences[name] ? "differs" : blank(answer)));
}

function final(status: Record<string, unknown>): unknown {
  const { createdTime: _created, lastUpdatedTime: _updated, historyEvents: _events, ...rest } = status;
  return blank(rest);
}
