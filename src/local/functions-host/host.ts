import type { DurableEngine } from "../durable/engine.ts";
import { createAdminEndpoints } from "./admin-endpoints.ts";
import { durableClientInput } from "./durable-client-input.ts";
import { createDurableEndpoints, type EndpointEngine } from "./durable-endpoints.ts";
import { createEventGridEndpoint } from "./event-grid.ts";
import { type HostConfig, readHostConfig } from "./host-json.ts";
import { createAuthorization, type IsAuthorized } from "./host-keys.ts";
import { type HostAnswer, type HostRequest, messageOf, startHttpServer } from "./http-server.ts";
import { createHttpTriggers, httpFunctions } from "./http-trigger.ts";
import type { QueueListener } from "./queue-listener.ts";
import { queueFunctions, readMessageLease, runQueueFunction, startQueueTriggers } from "./queue-triggers.ts";
import { triggerOf } from "./rpc.ts";
import { createRunFunction, type RunFunction } from "./run-function.ts";
import { startTimerListener, type TimerClock, type TimerListener } from "./timer-listener.ts";
import { createScheduleStore, timerFunctions } from "./timer-triggers.ts";
import type { Worker } from "./worker.ts";

export type HostLog = (event: string, fields: Record<string, unknown>) => void;

/** The durable engine of a host. */
export type HostEngine = EndpointEngine & Pick<DurableEngine, "close">;

export interface OpenEngineContext {
  readonly worker: Worker;
  readonly config: HostConfig;
  readonly stateDirectory: string;
  readonly log: HostLog;
}

export interface ServeOptions {
  /** A worker that has been started. */
  readonly worker: Worker;
  readonly appDirectory: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Where the journal of the instances and the schedules' states are kept. */
  readonly stateDirectory: string;
  /** Settings that triggers refer to (connections, `%NAME%`). */
  readonly environment: NodeJS.ProcessEnv;
  /** With keys, everything that is not anonymous asks for one of them; undefined: as `func start`, nothing does. */
  readonly keys: readonly string[] | undefined;
  readonly clock: TimerClock;
  readonly log: HostLog;
  readonly openEngine: (context: OpenEngineContext) => Promise<HostEngine>;
}

export interface FunctionsHost {
  /** Origin, without a trailing slash. */
  readonly url: string;
  readonly port: number;
  readonly engine: HostEngine;
  /** Stops listening, lets functions end for 5 s, runs the app's terminate hooks, closes the engine. May be repeated. */
  readonly close: () => Promise<void>;
}

/** What the genuine host leaves a worker before it is killed. Source: WorkerConstants.WorkerTerminateGracePeriodInSeconds. */
const graceMs = 5_000;

/** Serves a loaded app: durable engine, HTTP, Event Grid, queue and timer triggers, and the host's own endpoints. */
export async function serveApp(options: ServeOptions): Promise<FunctionsHost> {
  const { worker, environment, log } = options;
  const config = await readHostConfig(options.appDirectory, environment);
  const functions = [...worker.functions.values()];
  const queues = queueFunctions(functions, environment);
  const timers = timerFunctions(functions, environment);
  const engine = await options.openEngine({ worker, config, stateDirectory: options.stateDirectory, log });

  // The port is part of the client input that functions get, so the server listens first and answers when all is there.
  const ready = Promise.withResolvers<(request: HostRequest) => Promise<HostAnswer> | HostAnswer>();
  const server = await startHttpServer(options.port, {
    handle: async (request) => (await ready.promise)(request),
    log,
  }).catch(async (thrown: unknown) => {
    await engine.close(0);
    throw thrown;
  });
  const url = `http://127.0.0.1:${server.port}`;
  const code = options.keys?.[0] ?? "local";
  const { hubName } = config.durableTask;
  const run = createRunFunction({
    functions: worker.functions,
    invoke: worker.invoke,
    durableClient: durableClientInput({ url, hubName, code }),
    log,
  });

  const listeners = { queues: [] as readonly QueueListener[], timers: new Map<string, TimerListener>() };
  const background = new Set<Promise<void>>();
  const endpoints = createEndpoints({ options, config, engine, url, code, run });
  const admin = createAdminEndpoints({
    functions: worker.functions,
    http: endpoints.http,
    url,
    startedAt: performance.now(),
    isAuthorized: endpoints.isAuthorized,
    runManually(name, input) {
      if (queues.some((queue) => queue.name === name)) return runQueueFunction(name, input, run);
      return listeners.timers.get(name)?.runNow();
    },
    track(work) {
      background.add(work);
      work.finally(() => background.delete(work));
    },
  });
  ready.resolve((request) => endpoints.answer(request, admin));

  const timerDeps = { clock: options.clock, store: createScheduleStore(options.stateDirectory), run, log };
  for (const timer of timers) listeners.timers.set(timer.name, await startTimerListener(timer, timerDeps));
  listeners.queues = await startQueueTriggers(queues, {
    ...{ config: config.queues, hiddenSeconds: readMessageLease(environment), run, log },
  });
  log("host.started", { url, functions: functions.length });

  async function stop(): Promise<void> {
    const deadline = performance.now() + graceMs;
    await within(
      Promise.all([
        server.close(graceMs),
        ...listeners.queues.map((listener) => listener.close(graceMs)),
        ...[...listeners.timers.values()].map((listener) => listener.close()),
        ...background,
        Promise.resolve(worker.close()).catch((thrown: unknown) =>
          log("host.hook-failed", { error: messageOf(thrown) }),
        ),
      ]),
      graceMs,
    );
    await engine.close(Math.max(0, deadline - performance.now()));
    log("host.stopped", {});
  }
  let stopping: Promise<void> | undefined;
  return {
    url,
    port: server.port,
    engine,
    close() {
      stopping ??= stop();
      return stopping;
    },
  };
}

interface EndpointsContext {
  readonly options: ServeOptions;
  readonly config: HostConfig;
  readonly engine: HostEngine;
  readonly url: string;
  readonly code: string;
  readonly run: RunFunction;
}

type Answer = (request: HostRequest, path: string) => Promise<HostAnswer> | HostAnswer;

function createEndpoints({ options, config, engine, code, run }: EndpointsContext) {
  const functions = [...options.worker.functions.values()];
  const isAuthorized: IsAuthorized = createAuthorization(options.keys);
  const http = httpFunctions(functions, config.routePrefix);
  const triggers = createHttpTriggers({ functions: http, isAuthorized, run });
  const durable = createDurableEndpoints({ engine, hubName: config.durableTask.hubName, code });
  const eventGrid = createEventGridEndpoint({
    functions: functions
      .filter((one) => /^eventgridtrigger$/i.test(triggerOf(one).binding.type))
      .map(({ name }) => name),
    isAuthorized,
    run,
  });
  const hidesHomepage = options.environment.AzureWebJobsDisableHomepage === "true";

  return {
    http,
    isAuthorized,
    answer(request: HostRequest, admin: Answer): Promise<HostAnswer> | HostAnswer {
      const path = request.pathname.toLowerCase();
      const rest = (base: string) => request.pathname.slice(base.length);
      if (path.startsWith(webhookBase)) {
        return isAuthorized(request, "system") ? durable(request, rest(webhookBase)) : { status: 401 };
      }
      if (path.startsWith(rpcBase)) return durable(request, rest(rpcBase)); // the worker's own door: loopback, no key
      if (path === "/runtime/webhooks/eventgrid") return eventGrid(request);
      if (path.startsWith("/admin/")) return admin(request, rest("/admin/"));
      const answer = triggers(request);
      if (answer !== undefined) return answer;
      if (path === "/" && request.method === "GET") return hidesHomepage ? { status: 204 } : homepage;
      return { status: 404 };
    },
  };
}

const webhookBase = "/runtime/webhooks/durabletask/";
const rpcBase = "/durabletask/";
const homepage: HostAnswer = {
  status: 200,
  headers: { "content-type": "text/plain; charset=utf-8" },
  body: "Your Azure Functions app is up and running.\n",
};

async function within(work: Promise<unknown>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}
