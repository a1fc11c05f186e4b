import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { createWorker, type Worker, type WorkerLogLine } from "../../src/local/functions-host/worker.ts";

const functionsPackage = fileURLToPath(new URL("../../node_modules/@azure/functions", import.meta.url));
const app = `
const { app } = require(${JSON.stringify(functionsPackage)});
const seen = (globalThis.seenByHooks = []);
app.hook.appStart(() => { seen.push("appStart"); });
app.hook.appTerminate(() => { seen.push("appTerminate"); });
app.hook.preInvocation((context) => { if (context.invocationContext.functionName === "echo") context.inputs[0] = { replaced: true }; });
app.hook.postInvocation((context) => { if (context.error?.message === "forgive me") { context.error = null; context.result = { forgiven: true }; } });
app.generic("echo", { trigger: { type: "testTrigger", name: "t" }, return: { type: "testOut", name: "$return" }, handler: (value, context) => { context.log("hello"); return value; } });
app.generic("fail", { trigger: { type: "testTrigger", name: "t" }, return: { type: "testOut", name: "$return" }, handler: (value) => { throw Object.assign(new RangeError(value.text), { code: "E_TEST" }); } });
`;

let worker: Worker;
const lines: WorkerLogLine[] = [];
beforeAll(async () => {
  const appDirectory = await mkdtemp(join(tmpdir(), "drayage-app-"));
  await writeFile(join(appDirectory, "package.json"), JSON.stringify({ main: "dist-*.cjs" }));
  await writeFile(join(appDirectory, "dist-app.cjs"), app);
  worker = createWorker({ appDirectory, log: (line) => lines.push(line) });
  await worker.start();
  return () => rm(appDirectory, { recursive: true });
});

describe("the worker", () => {
  it("loads what package.json names as main and shows what it registered", () => {
    expect([...worker.functions.keys()]).toEqual(["echo", "fail"]);
    expect(seenByHooks()).toEqual(["appStart"]);
  });

  it("lets preInvocation hooks replace inputs", async () => {
    const { returnValue } = await worker.invoke("echo", { json: '{"original":true}' });

    expect(returnValue).toEqual({ json: '{"replaced":true}' });
    expect(lines).toContainEqual(expect.objectContaining({ category: "user", message: "hello", functionName: "echo" }));
  });

  it("rejects with what a function threw", async () => {
    await expect(worker.invoke("fail", { json: '{"text":"no"}' })).rejects.toMatchObject({
      message: "no",
      code: "E_TEST",
    });
  });

  it("lets postInvocation hooks turn an error into a result", async () => {
    const { returnValue } = await worker.invoke("fail", { json: '{"text":"forgive me"}' });

    expect(returnValue).toEqual({ json: '{"forgiven":true}' });
  });

  it("rejects a function that is not there", async () => {
    await expect(worker.invoke("nobody", {})).rejects.toThrow("Function code for 'nobody' is not loaded");
  });

  it("is one per process", () => {
    expect(() => createWorker({ appDirectory: ".", log: () => {} })).toThrow("one worker per process");
  });

  it("runs appTerminate hooks once", async () => {
    await worker.close();
    await worker.close();

    expect(seenByHooks()).toEqual(["appStart", "appTerminate"]);
  });
});

function seenByHooks(): unknown {
  return Reflect.get(globalThis, "seenByHooks");
}
