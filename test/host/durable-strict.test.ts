import { beforeAll, describe, expect, it } from "vitest";
import type { Worker } from "../../src/local/functions-host/worker.ts";
import { runEngine, startGoldenWorker } from "./durable-support/engine-run.ts";

let worker: Worker;
beforeAll(async () => {
  worker = await startGoldenWorker();
});

describe("a strict engine", () => {
  it.each([
    ["missingAct", "an activity that is not registered", /activity 'nope' is not registered/],
    ["subMissing", "a sub-orchestration that is not registered", /orchestrator 'nope' is not registered/],
    ["throwStr", "a thrown value that is no error", /threw something that is no Error/],
    ["slide", "a pending task in a second compound", /'echo' is still running and is yielded again/],
    ["http", "callHttp", /not supported by the embedded host/],
    ["entity", "an entity call", /not supported by the embedded host/],
  ])("fails %s with a hint: %s", async (orchestrator, _what, hint) => {
    await using run = await runEngine(worker, { isStrict: true });

    await run.engine.start(orchestrator, { instanceId: orchestrator, input: { url: "http://127.0.0.1:1/" } });
    const status = await run.engine.waitFor(orchestrator);

    expect(status.runtimeStatus).toBe("Failed");
    expect(status.output).toMatch(hint);
  });

  it.each(["fan5", "nested", "anyThenLone", "timerCancel", "sub", "retryExhaust", "reyieldDone"])(
    "has nothing against %s",
    async (orchestrator) => {
      await using run = await runEngine(worker, { isStrict: true });

      await run.engine.start(orchestrator, { instanceId: orchestrator, input: {} });

      expect((await run.engine.waitFor(orchestrator)).runtimeStatus).toBe("Completed");
    },
  );

  it("warns when continueAsNew drops an event", async () => {
    await using run = await runEngine(worker, { isStrict: true });

    const started = run.engine.start("loopEvents", { instanceId: "loop", input: { seen: [] } });
    const raised = [1, 2].map((value) => run.engine.raiseEvent("loop", "go", value));
    await Promise.all([started, ...raised]);
    await run.engine.whenIdle();

    expect(run.warnings).toContainEqual(expect.stringContaining("continueAsNew drops events nobody waited for: go"));
  });

  it.each([
    ["throwSigStrInput", "the input of activity 'echo'"],
    ["actSigCaught", "the error of activity 'boom'"],
  ])("warns of what looks like a credential (%s)", async (orchestrator, what) => {
    await using run = await runEngine(worker, { isStrict: true });

    await run.engine.start(orchestrator, { instanceId: orchestrator, input: {} });
    await run.engine.waitFor(orchestrator);

    expect(run.warnings).toContainEqual(expect.stringContaining(`${what} holds what looks like a credential`));
  });

  it("keeps the history of an instance that was rewound", async () => {
    await using run = await runEngine(worker, { isStrict: true, retention: { histories: 1, statuses: 10 } });
    const { engine } = run;
    await engine.start("failUncaught", { instanceId: "rewound", input: {} });
    await engine.waitFor("rewound");

    const rewound = engine.rewind("rewound", "again");
    await engine.start("immediate", { instanceId: "other" });
    await engine.waitFor("other");
    await rewound;
    await engine.waitFor("rewound");

    expect(engine.getStatus("rewound")).toMatchObject({
      runtimeStatus: "Failed",
      output: expect.stringContaining("bad digest"),
    });
  });

  it("warns when a result is too large for a queue message", async () => {
    await using run = await runEngine(worker, { isStrict: true });

    await run.engine.start("bigOut", { instanceId: "big", input: {} });
    await run.engine.waitFor("big");

    expect(run.warnings).toContainEqual(expect.stringContaining("the result of activity 'out' has 100002 bytes"));
  });
});

describe("commands", () => {
  it("answer as the genuine host: missing, finished, conflict", async () => {
    await using run = await runEngine(worker, { isStrict: true });
    const { engine } = run;
    await engine.start("immediate", { instanceId: "ended" });
    await engine.waitFor("ended");
    await engine.start("event", { instanceId: "waiting" });
    await engine.whenIdle();

    expect(await engine.raiseEvent("nobody", "go", 1)).toEqual({ kind: "missing" });
    expect(await engine.terminate("ended", "x")).toEqual({ kind: "finished", status: "Completed" });
    expect(await engine.rewind("ended", "x")).toEqual({ kind: "conflict", status: "Completed" });
    expect(await engine.start("event", { instanceId: "waiting" })).toEqual({ kind: "exists", status: "Running" });
    expect(await engine.purge("waiting")).toEqual({ kind: "conflict", status: "Running" });
    expect(await engine.purge("ended")).toEqual({ kind: "accepted" });
    expect(engine.getStatus("ended")).toBeUndefined();
    await engine.suspend("waiting", "hold");
    await engine.whenIdle();
    expect(engine.getStatus("waiting")).toMatchObject({ runtimeStatus: "Suspended", output: "hold" });
    expect(await engine.suspend("waiting", "again")).toEqual({ kind: "conflict", status: "Suspended" });
  });

  it("leave an instance Pending whose version is newer than the host's", async () => {
    await using run = await runEngine(worker, { isStrict: true, defaultVersion: "1.0" });

    await run.engine.start("immediate", { instanceId: "newer", version: "1.1" });
    await run.engine.start("immediate", { instanceId: "older", version: "0.9" });
    await run.engine.waitFor("older");

    expect(run.engine.getStatus("newer")?.runtimeStatus).toBe("Pending");
  });

  it("fail the instance of an unknown orchestrator", async () => {
    await using run = await runEngine(worker, { isStrict: true });

    await run.engine.start("nobody", { instanceId: "x" });

    expect(await run.engine.waitFor("x")).toMatchObject({
      runtimeStatus: "Failed",
      output: expect.stringContaining("doesn't exist, is disabled, or is not an orchestrator function"),
    });
  });
});

describe("finished instances", () => {
  it("lose their history first and their status later, oldest first", async () => {
    await using run = await runEngine(worker, { isStrict: true, retention: { histories: 2, statuses: 4 } });
    for (const id of ["a", "b", "c", "d", "e"]) {
      await run.engine.start("immediate", { instanceId: id, input: { id } });
      await run.engine.waitFor(id);
    }

    expect(run.engine.list().map(({ instanceId, input }) => [instanceId, input])).toEqual([
      ["b", null],
      ["c", null],
      ["d", { id: "d" }],
      ["e", { id: "e" }],
    ]);
  });
});

describe("a wide fan-out", () => {
  it("replays far less often than it has answers", async () => {
    await using run = await runEngine(worker, { isStrict: true, maxConcurrentActivityFunctions: 24 });

    await run.engine.start("fanN", { instanceId: "wide", input: { n: 300 } });
    const status = await run.engine.waitFor("wide");

    expect(status.output).toBe(300);
    expect(run.generations("wide")[0]?.answers.length).toBeLessThan(100);
  });
});
