import { type ChildProcess, spawn } from "node:child_process";
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { DurableEngine } from "../../src/local/durable/engine.ts";
import { createFileJournal, type FileJournalOptions } from "../../src/local/durable/file-journal.ts";
import { createHub } from "../../src/local/durable/hub.ts";
import { createMemoryJournal, type Journal } from "../../src/local/durable/journal.ts";
import { formatLine, parseJournal } from "../../src/local/durable/journal-line.ts";
import type { JournalRecord } from "../../src/local/durable/records.ts";
import type { Worker } from "../../src/local/functions-host/worker.ts";
import { runEngine, startGoldenWorker } from "./durable-support/engine-run.ts";

let worker: Worker;
beforeAll(async () => {
  worker = await startGoldenWorker();
});

/** Runs one instance to its end and returns the records and its status. */
async function recordRun(orchestrator: string, input: unknown, drive: (engine: DurableEngine) => Promise<unknown>) {
  const journal = createMemoryJournal();
  await using run = await runEngine(worker, { isStrict: true }, { journal });
  await run.engine.start(orchestrator, { instanceId: "i", input });
  await drive(run.engine);
  return { records: journal.records, status: await run.engine.waitFor("i") };
}

const nothing = async () => {};
const raiseGo = async (engine: DurableEngine) => {
  await engine.whenIdle();
  await engine.raiseEvent("i", "go", { x: 1 });
};

describe("a journal that ends early", () => {
  it.each([
    ["fan5", {}, nothing],
    ["sub", {}, nothing],
    ["subRetry", {}, nothing],
    ["loop", { n: 3 }, nothing],
    ["timerPast", {}, nothing],
    ["timerCancel", {}, nothing],
    ["eventAny", {}, raiseGo],
    ["statusFalsy", {}, nothing],
  ])("lets %s finish from every record boundary", async (orchestrator, input, drive) => {
    const whole = await recordRun(orchestrator, input, drive);

    for (let length = 1; length <= whole.records.length; length += 1) {
      const journal = createMemoryJournal(whole.records.slice(0, length));
      await using run = await runEngine(worker, { isStrict: true }, { journal });
      await drive(run.engine);
      const status = await run.engine.waitFor("i");

      expect({ length, ...essence(status) }).toEqual({ length, ...essence(whole.status) });
    }
  });

  it("gives the same state from a snapshot as from all records", async () => {
    const { records } = await recordRun("sub", {}, nothing);

    for (let length = 1; length <= records.length; length += 1) {
      const snapshot = readBack(records.slice(0, length));
      expect(readBack(parseJournal(Buffer.from(snapshot.map(formatLine).join(""))).records)).toEqual(snapshot);
    }
  });

  it("is read up to the last whole line, wherever it was torn", async () => {
    const { records } = await recordRun("statusFalsy", { text: "ä€𝄞\n" }, nothing);
    const content = Buffer.from(records.map(formatLine).join(""));

    fc.assert(
      fc.property(fc.nat(content.length), fc.uint8Array({ maxLength: 20 }), (at, noise) => {
        const torn = Buffer.concat([content.subarray(0, at), noise]);
        const parsed = parseJournal(torn);

        expect(parsed.records).toEqual(records.slice(0, parsed.records.length));
        expect(parsed.validBytes).toBeLessThanOrEqual(torn.length);
        expect(parsed.records.length).toBeGreaterThanOrEqual(
          content.subarray(0, at).toString("latin1").split("\n").length - 1,
        );
      }),
    );
  });
});

describe("a journal on disk", () => {
  it("answers for finished instances after a restart, and cuts off a torn tail", async () => {
    await using folder = await temporaryFolder();
    {
      await using run = await runEngine(worker, {}, { journal: fileJournal(folder.path) });
      await run.engine.start("immediate", { instanceId: "i", input: { a: 1 } });
      await run.engine.waitFor("i");
    }
    await appendFile(join(folder.path, "journal.jsonl"), '0123abcd {"kind":"purge","id":"i"}');
    const warnings: string[] = [];

    const journal = fileJournal(folder.path, { warn: (message) => warnings.push(message) });
    await using run = await runEngine(worker, {}, { journal });

    expect(run.engine.getStatus("i")).toMatchObject({ runtimeStatus: "Completed", output: "now", input: { a: 1 } });
    expect(warnings).toEqual([expect.stringContaining("cut a torn tail of 34 bytes")]);
  });

  it("forgets purged instances", async () => {
    await using folder = await temporaryFolder();
    {
      await using run = await runEngine(worker, {}, { journal: fileJournal(folder.path) });
      await run.engine.start("immediate", { instanceId: "i" });
      await run.engine.waitFor("i");
      await run.engine.purge("i");
    }

    await using run = await runEngine(worker, {}, { journal: fileJournal(folder.path) });

    expect(run.engine.list()).toEqual([]);
  });

  it("stays small however much has happened", async () => {
    await using folder = await temporaryFolder();
    const journal = fileJournal(folder.path, { compactAfterBytes: 20_000 });
    await using run = await runEngine(worker, { retention: { histories: 2, statuses: 5 } }, { journal });

    for (let at = 0; at < 200; at += 1) {
      await run.engine.start("immediate", { instanceId: `i${at}`, input: { text: "x".repeat(500) } });
      await run.engine.waitFor(`i${at}`);
    }

    expect((await stat(join(folder.path, "journal.jsonl"))).size).toBeLessThan(40_000);
    expect(parseJournal(await readFile(join(folder.path, "journal.jsonl"))).records.length).toBeGreaterThan(0);
  });

  it("belongs to one process", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "journal.lock"), String(process.ppid));

    await expect(fileJournal(folder.path).open()).rejects.toThrow(`process ${process.ppid} uses this journal`);
  });

  it("is on the disk before a client hears of it", async () => {
    const order: string[] = [];
    const flush = Promise.withResolvers<void>();
    const journal: Journal = { ...createMemoryJournal(), flushed: () => flush.promise };
    await using run = await runEngine(worker, {}, { journal });

    const started = run.engine.start("immediate", { instanceId: "i" }).then(() => order.push("answered"));
    await run.engine.waitFor("i");
    order.push("flushed");
    flush.resolve();
    await started;

    expect(order).toEqual(["flushed", "answered"]);
  });
});

describe("a killed process", () => {
  it.each([0, 6, 15])("finishes its instance in the next one, killed after %i activity calls", async (calls) => {
    await using folder = await temporaryFolder();

    await killAfter(startChild(folder.path), calls);
    const lines = await linesOf(startChild(folder.path));

    const status = JSON.parse(lines.find((line) => line.startsWith("status "))?.slice("status ".length) ?? "null");
    expect(status).toMatchObject({ runtimeStatus: "Completed", output: 16 });
    expect(lines).not.toContain("started");
  });
});

function essence({
  runtimeStatus,
  output,
  customStatus,
}: {
  runtimeStatus: string;
  output: unknown;
  customStatus: unknown;
}) {
  return { runtimeStatus, output, customStatus };
}

function readBack(records: readonly JournalRecord[]): readonly JournalRecord[] {
  const ignore = () => {};
  const listener = { onMessage: ignore, onTask: ignore, onCancel: ignore, onFinish: ignore };
  const hub = createHub({ retention: { histories: 10, statuses: 10 }, listener });
  for (const record of records) hub.apply(record);
  return hub.snapshot();
}

function fileJournal(directory: string, more: Partial<FileJournalOptions> = {}): Journal {
  return createFileJournal({ directory, compactAfterBytes: 1_000_000, lazyMs: 1, warn: () => {}, ...more });
}

async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "drayage-journal-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

function startChild(directory: string): ChildProcess {
  const script = fileURLToPath(new URL("./durable-support/kill-child.ts", import.meta.url));
  return spawn(process.execPath, [script, directory, "i"], { stdio: ["ignore", "pipe", "inherit"] });
}

/** Kills the child once it has started its instance and called that many activities. */
async function killAfter(child: ChildProcess, calls: number): Promise<void> {
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let isStarted = false;
  let seen = 0;
  for await (const line of linesFrom(child)) {
    isStarted ||= line === "started";
    seen += Number(line === "activity");
    if (isStarted && seen >= calls) child.kill("SIGKILL");
  }
  await exited;
}

async function linesOf(child: ChildProcess): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of linesFrom(child)) lines.push(line);
  return lines;
}

function linesFrom(child: ChildProcess): AsyncIterable<string> {
  if (!child.stdout) throw new Error("the child has no stdout");
  return createInterface({ input: child.stdout });
}
