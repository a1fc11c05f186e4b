import { EventEmitter, once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type FunctionsHost, type ServeOptions, serveApp } from "../../src/local/functions-host/host.ts";
import { systemClock } from "../../src/local/functions-host/timer-triggers.ts";
import { createWorker, type Worker } from "../../src/local/functions-host/worker.ts";
import { createScriptedEngine, type ScriptedEngine } from "./scripted-engine.ts";

const appDirectory = fileURLToPath(new URL("../host/fixture-app/", import.meta.url));

/** Nobody listens there, so that tests without queues need no storage. */
const noStorage =
  "DefaultEndpointsProtocol=http;AccountName=none;AccountKey=bm9uZQ==;QueueEndpoint=http://127.0.0.1:1/none;";

/** What was logged, and a way to wait for a line that is still to come. */
export interface LogBook {
  readonly lines: readonly LogLine[];
  readonly log: (event: string, fields: Record<string, unknown>) => void;
  /** Resolves with the first line of this event, past or future. */
  readonly line: (event: string) => Promise<LogLine>;
}

interface LogLine {
  readonly event: string;
  readonly fields: Record<string, unknown>;
}

export function createLogBook(): LogBook {
  const lines: LogLine[] = [];
  const news = new EventEmitter();
  return {
    lines,
    log(event, fields) {
      lines.push({ event, fields });
      news.emit("line");
    },
    async line(event) {
      for (;;) {
        const found = lines.find((line) => line.event === event);
        if (found) return found;
        await once(news, "line");
      }
    },
  };
}

export interface FixtureHost extends FunctionsHost, AsyncDisposable {
  readonly scripted: ScriptedEngine;
  readonly book: LogBook;
  readonly stateDirectory: string;
  readonly get: (path: string, init?: RequestInit) => Promise<Response>;
  readonly post: (path: string, body?: unknown, headers?: Record<string, string>) => Promise<Response>;
}

let shared: Promise<Worker> | undefined; // one worker per process is all there can be

/** The fixture app, loaded once per test file. */
function loadFixtureApp(): Promise<Worker> {
  shared ??= (async () => {
    const worker = createWorker({ appDirectory, log: () => {} });
    await worker.start();
    return worker;
  })();
  return shared;
}

/** What the fixture app's functions saw. */
export function fixtureEvents(): EventEmitter {
  const events: unknown = createRequire(join(appDirectory, "app.cjs"))("./seen.cjs");
  if (!(events instanceof EventEmitter)) throw new Error("seen.cjs exports no EventEmitter");
  return events;
}

/** Serves the fixture app, with an engine whose instances do nothing unless another is given. */
export async function startFixtureHost(options: Partial<ServeOptions> = {}): Promise<FixtureHost> {
  const scripted = createScriptedEngine();
  const book = createLogBook();
  const stateDirectory = options.stateDirectory ?? (await mkdtemp(join(tmpdir(), "fixture-host-")));
  const host = await serveApp({
    worker: await loadFixtureApp(),
    appDirectory,
    port: 0,
    keys: undefined,
    clock: systemClock,
    log: book.log,
    openEngine: async () => scripted,
    ...options,
    stateDirectory,
    environment: { AzureWebJobsStorage: noStorage, FixtureQueue: "unused", ...options.environment },
  });
  const get = (path: string, init: RequestInit = {}) => fetch(`${host.url}${path}`, init);
  return {
    ...host,
    scripted,
    book,
    stateDirectory,
    get,
    post: (path, body, headers = { "content-type": "application/json" }) =>
      get(path, { method: "POST", headers, ...(body === undefined ? {} : { body: textOf(body) }) }),
    async [Symbol.asyncDispose]() {
      await host.close();
      if (options.stateDirectory === undefined) await rm(stateDirectory, { recursive: true, force: true });
    },
  };
}

function textOf(body: unknown): string {
  return typeof body === "string" ? body : JSON.stringify(body);
}
