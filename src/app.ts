import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { app, type InvocationContext } from "@azure/functions";
import * as df from "durable-functions";
import { identity } from "./app-identity.ts";
import { parseConfig } from "./config.ts";
import { loopbackWithoutProxy } from "./domain/proxy-settings.ts";
import { formatQueueName, queueNames } from "./domain/queue-names.ts";
import {
  activityNames,
  apiFunctions,
  armFunctions,
  durableApiFunctions,
  orchestratorNames,
  pageFunctions,
} from "./function-bindings.ts";
import type { ApiRoute } from "./functions/api-route.ts";
import { createDurablePort, createDurableUpkeep } from "./functions/durable-port.ts";
import { createPlannedIds } from "./functions/telemetry/trace-ids.ts";
import type { Handlers } from "./handlers.ts";
import { heapGrowthFlag } from "./heap-flags.ts";
import { withRegistriesFile } from "./sign-in-settings.ts";

/*
 * The composition root: the one module with effects at import. It reads the settings and registers the functions, which
 * the host waits for at every start. What they do is loaded while the host prepares their triggers.
 */
setFlagsFromString(heapGrowthFlag); // as an argument it would cost the worker process that Azure has ready
const stopping = new AbortController();
/*
 * Set by src/local/drayage.ts, in this very process: what no setting of an app in Azure can do by accident, as
 * AZURE_FUNCTIONS_ENVIRONMENT=Development could, which people set there to see more of an error.
 */
const isEmbedded = Reflect.get(globalThis, Symbol.for("drayage.embeddedHost")) === true;
const appDirectory = fileURLToPath(new URL("..", import.meta.url)); // that of package.json, seen from src/ as from dist/
Object.assign(process.env, loopbackWithoutProxy(process.env)); // before any client reads it
const config = parseConfig(withRegistriesFile(process.env, appDirectory));
const plannedIds = createPlannedIds(randomBytes);
const toDurable = (context: InvocationContext) => createDurablePort(df.getClient(context));

let loading: Promise<Handlers> | undefined;
let loaded: Handlers | undefined;

async function load(): Promise<void> {
  loading ??= loadAll();
  loaded = await loading;
}

/** The SDK of telemetry before any function runs: what is recorded before it is there is lost. */
async function loadAll(): Promise<Handlers> {
  const telemetryFailure = await startTelemetry().then(() => undefined, String); // imports go on without it
  const { createHandlers } = await import("./handlers.ts");
  return createHandlers({
    ...{ config, plannedIds, isEmbedded, toDurable, telemetryFailure },
    stopping: stopping.signal,
    pageDirectory: new URL("page/", import.meta.url), // beside app.cjs
  });
}

let stopTelemetry = async () => {};

async function startTelemetry(): Promise<void> {
  const { otlp, azureMonitor, isByIdentity } = config.telemetry;
  if (!otlp && azureMonitor === undefined) return;
  const { startTelemetrySdk } = await import("./telemetry-sdk.ts");
  const credential = isByIdentity ? identity(config.storage) : undefined;
  stopTelemetry = startTelemetrySdk({ otlp, azureMonitor, credential }, plannedIds);
}

function handlers(): Handlers {
  if (loaded === undefined) throw new Error("a function was called without the hook that loads what it does");
  return loaded;
}

const loadAfterMs = 100; // by then the host has been told of the functions

app.hook.appStart(() => {
  const ignore = () => undefined; // it fails the first invocation too, which tells of it
  setTimeout(() => load().catch(ignore), loadAfterMs).unref();
});
app.hook.preInvocation(load); // orchestrators cannot wait for it themselves

const terminateMs = 4_500; // the host kills its worker 5 s after it has told it to end

// The worker exits when its hooks have ended: until then activities finish their chunk and store how far they came.
app.hook.appTerminate(async () => {
  stopping.abort(new Error("the process is about to stop"));
  await loaded?.activitiesEnded(terminateMs);
  await stopTelemetry();
});

const extraInputs = [df.input.durableClient()];

/** Of a route of the API, who lets callers in: the host by its keys, or by API_SIGN_IN the app, which then asks itself. */
function admission({ authLevel }: Pick<ApiRoute, "authLevel">) {
  const asksItself = authLevel === "function" && config.callers.apiSignIn === "platform";
  return asksItself
    ? ({ authLevel: "anonymous", answering: (handle: Handle) => handlers().answeringSignedIn(handle) } as const)
    : ({ authLevel, answering: (handle: Handle) => handlers().answering(handle) } as const);
}
type Handle = Parameters<Handlers["answering"]>[0];

for (const { name, method, route, ...binding } of apiFunctions) {
  const { authLevel, answering } = admission(binding);
  app.http(name, {
    ...{ route, authLevel },
    methods: [method],
    handler: (request, context) => answering((asked) => handlers().api[name](asked))(request, context),
  });
}
for (const { name, method, route, ...binding } of durableApiFunctions) {
  const { authLevel, answering } = admission(binding);
  app.http(name, {
    ...{ route, authLevel },
    methods: [method],
    extraInputs,
    handler: (request, context) =>
      answering((asked, of) => handlers().durableApi[name](asked, toDurable(of)))(request, context),
  });
}
for (const { name, method, ...binding } of armFunctions) {
  const handler = (...call: Parameters<Handlers["arm"][typeof name]>) => handlers().arm[name](...call);
  app.http(name, { ...binding, methods: [method], extraInputs, handler });
}
for (const { part, name, methods, ...binding } of pageFunctions) {
  app.http(name, {
    ...binding,
    methods: [...methods],
    handler: (request, context) => handlers().answering(handlers().page[part])(request, context),
  });
}

app.eventGrid("onRegistryEvent", {
  extraInputs: [df.input.durableClient()],
  handler: (event, context) => handlers().onRegistryEvent(event, toDurable(context)),
});

app.timer("everyMinute", {
  schedule: "1 * * * * *", // a host may be a little early, and a minute of a schedule must not be missed
  extraInputs: [df.input.durableClient()],
  handler: (_timer, context) => handlers().everyMinute(toDurable(context)),
});
app.timer("sweepStores", {
  schedule: "0 17 * * * *",
  extraInputs: [df.input.durableClient()],
  handler: (_timer, context) => handlers().sweepStores(createDurableUpkeep(df.getClient(context))),
});
app.timer("replaceStuck", {
  schedule: "45 */5 * * * *",
  extraInputs: [df.input.durableClient()],
  handler: (_timer, context) => {
    const client = df.getClient(context);
    return handlers().replaceStuck({ ...createDurablePort(client), ...createDurableUpkeep(client) });
  },
});

const connection = "AzureWebJobsStorage";
const queue = (name: string) => formatQueueName(config.tablePrefix, name);
app.storageQueue("onImportMessage", {
  queueName: queue(queueNames.imports),
  connection,
  extraInputs: [df.input.durableClient()],
  handler: (message, context) => handlers().onImportMessage(message, context.triggerMetadata, toDurable(context)),
});
app.storageQueue("onPoisonMessage", {
  queueName: queue(queueNames.poison),
  connection,
  handler: (message, context) => handlers().onPoisonMessage(message, context.triggerMetadata),
});
app.storageQueue("onEventMessage", {
  queueName: queue(queueNames.events),
  connection,
  handler: (message) => handlers().events.onMessage(message),
});
app.storageQueue("onEventPoison", {
  queueName: queue(queueNames.eventsPoison),
  connection,
  handler: (message) => handlers().events.onPoison(message),
});

for (const name of activityNames) df.app.activity(name, { handler: (input) => handlers().activities[name](input) });
for (const name of orchestratorNames) df.app.orchestration(name, (context) => handlers().orchestrators[name](context));
