import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { app, type HttpRequest, type InvocationContext } from "@azure/functions";
import { metrics, trace } from "@opentelemetry/api";
import * as df from "durable-functions";
import { parseConfig } from "./config.ts";
import { queueNames } from "./domain/queue-message.ts";
import { type ApiRouteName, apiRoutes } from "./functions/api-routes.ts";
import { armRouteNameSchema, armRoutes } from "./functions/arm/arm-routes.ts";
import { createDurablePort, createDurableUpkeep } from "./functions/durable-port.ts";
import { createLog } from "./functions/log.ts";
import { createOpenApi } from "./functions/openapi.ts";
import { assertCallable } from "./functions/orchestrators/callable.ts";
import { copyLargeBlob, importSlice } from "./functions/orchestrators/copy-units.ts";
import { importImage, subOrchestrators } from "./functions/orchestrators/import-image.ts";
import { promote } from "./functions/orchestrators/promote.ts";
import { readPageFiles } from "./functions/page/page-files.ts";
import { createServePage, pageRoutes } from "./functions/page/serve-page.ts";
import { promoteName } from "./functions/promotions/start-promotion.ts";
import { importImageName } from "./functions/start-import.ts";
import { createTelemetry } from "./functions/telemetry/telemetry.ts";
import { createPlannedIds } from "./functions/telemetry/trace-ids.ts";
import { answering, type DurableHttpHandler, type HttpHandler, json } from "./functions/triggers/http-answer.ts";
import { createServices } from "./services.ts";
import { identity } from "./services-storage.ts";
import { withRegistriesFile } from "./sign-in-settings.ts";
import { formatQueueName } from "./store/queues.ts";

/*
 * The composition root: the one module with effects at import. Settings → services → functions.
 */
const plannedIds = createPlannedIds(randomBytes);
const telemetry = createTelemetry({
  tracer: () => trace.getTracer("drayage"),
  meter: () => metrics.getMeter("drayage"),
  ids: plannedIds,
});
const log = telemetry.logging(createLog((line) => process.stdout.write(line)));
const orchestrators = {
  [importImageName]: importImage,
  [promoteName]: promote,
  [subOrchestrators.copyLargeBlob]: copyLargeBlob,
  [subOrchestrators.importSlice]: importSlice,
};
const stopping = new AbortController();
/*
 * Set by src/local/drayage.ts, in this very process: what no setting of an app in Azure can do by accident, as
 * AZURE_FUNCTIONS_ENVIRONMENT=Development could, which people set there to see more of an error.
 */
const isEmbedded = Reflect.get(globalThis, Symbol.for("drayage.embeddedHost")) === true;
const appDirectory = fileURLToPath(new URL("..", import.meta.url)); // that of package.json, seen from src/ as from dist/
const config = parseConfig(withRegistriesFile(process.env, appDirectory));
const services = createServices({ config, log, stopping: stopping.signal, isEmbedded, telemetry });

const { otlp, azureMonitor } = config.telemetry;
let stopTelemetry = async () => {};
if (otlp || azureMonitor !== undefined) {
  app.hook.appStart(async () => {
    const { startTelemetrySdk } = await import("./telemetry-sdk.ts");
    const credential = config.telemetry.isByIdentity ? identity(config.storage) : undefined;
    stopTelemetry = startTelemetrySdk({ otlp, azureMonitor, credential }, plannedIds);
  });
}

const terminateMs = 4_500; // the host kills its worker 5 s after it has told it to end

// The worker exits when its hooks have ended: until then activities finish their chunk and store how far they came.
app.hook.appTerminate(async () => {
  stopping.abort(new Error("the process is about to stop"));
  await services.activitiesEnded(terminateMs);
  await stopTelemetry();
});

type HttpFunction = (request: HttpRequest, context: InvocationContext) => ReturnType<HttpHandler>;

function registerHttp(
  name: ApiRouteName,
  handler: HttpFunction,
  options: { readonly extraInputs?: df.DurableClientInput[] } = {},
) {
  const { method, route, authLevel } = apiRoutes[name];
  app.http(name, { methods: [method], route, authLevel, ...options, handler: answering(log, handler) });
}

for (const name of [
  ...(["getImport", "getImportParts", "listImports", "deleteImport", "getOverview", "getHealth"] as const),
  ...(["postVerify"] as const),
  ...(["listPromotions", "getPromotion", "listPromotionItems"] as const),
  ...(["listDeadEvents", "redeliverEvent", "deleteDeadEvent"] as const),
  ...(["listPoison", "getPoison", "requeuePoison", "deletePoison"] as const),
  ...(["listRegistries", "getRegistry", "checkRegistry"] as const),
]) {
  const handler: HttpHandler = services.handlers[name];
  registerHttp(name, (request) => handler(request));
}

for (const name of ["listRules", "getRule", "putRule", "deleteRule", "testRule"] as const) {
  const handler: HttpHandler = services.handlers[name];
  registerHttp(name, (request) => handler(request));
}

for (const name of ["listSchedules", "getSchedule", "putSchedule", "deleteSchedule"] as const) {
  const handler: HttpHandler = services.handlers[name];
  registerHttp(name, (request) => handler(request));
}

for (const name of [
  ...(["postImports", "cancelImport", "retryImport", "postHook", "runSchedule"] as const),
  ...(["postPromotions", "cancelPromotion", "retryPromotion"] as const),
]) {
  const handler: DurableHttpHandler = services.durableHandlers[name];
  registerHttp(name, (request, context) => handler(request, createDurablePort(df.getClient(context))), {
    extraInputs: [df.input.durableClient()],
  });
}

const toDurable = (context: InvocationContext) => createDurablePort(df.getClient(context));
for (const [name, handler] of Object.entries(services.arm(toDurable))) {
  const { method, route, authLevel } = armRoutes[armRouteNameSchema.parse(name)];
  app.http(name, { methods: [method], route, authLevel, extraInputs: [df.input.durableClient()], handler });
}

let openApi: object | undefined; // a fifth of all the time that the app needs to start, for what few ask for
registerHttp("getOpenApi", async () => {
  openApi ??= createOpenApi({ ...apiRoutes, ...armRoutes });
  return json(200, openApi);
});

const page = createServePage({ readFiles: () => readPageFiles(new URL("page/", import.meta.url)) }); // beside app.cjs
for (const [name, functionName] of [
  ["document", "page"],
  ["asset", "pageAsset"],
] as const) {
  const handler = answering(log, page[name]);
  app.http(functionName, { methods: ["GET"], route: pageRoutes[name], authLevel: "anonymous", handler });
}

app.eventGrid("onRegistryEvent", {
  extraInputs: [df.input.durableClient()],
  handler: (event, context) => services.onRegistryEvent(event, createDurablePort(df.getClient(context))),
});

app.timer("sweepImports", {
  schedule: "0 * * * * *",
  extraInputs: [df.input.durableClient()],
  handler: (_timer, context) => services.sweepImports(createDurablePort(df.getClient(context))),
});
app.timer("sweepPromotions", {
  schedule: "30 * * * * *",
  extraInputs: [df.input.durableClient()],
  handler: (_timer, context) => services.sweepPromotions(createDurablePort(df.getClient(context))),
});
app.timer("runSchedules", {
  schedule: "1 * * * * *", // a host may be a little early, and a minute must not be missed
  extraInputs: [df.input.durableClient()],
  handler: (_timer, context) => services.runSchedules(createDurablePort(df.getClient(context))),
});
app.timer("sweepStores", {
  schedule: "0 17 * * * *",
  extraInputs: [df.input.durableClient()],
  handler: (_timer, context) => services.sweepStores(createDurableUpkeep(df.getClient(context))),
});
app.timer("replaceStuck", {
  schedule: "45 */5 * * * *",
  extraInputs: [df.input.durableClient()],
  handler: (_timer, context) => {
    const client = df.getClient(context);
    return services.replaceStuck({ ...createDurablePort(client), ...createDurableUpkeep(client) });
  },
});

const { queueName, onMessage, onPoison } = services.events;
const connection = "AzureWebJobsStorage";
app.storageQueue("onImportMessage", {
  queueName: formatQueueName(config.tablePrefix, queueNames.imports),
  connection,
  extraInputs: [df.input.durableClient()],
  handler: (message, context) =>
    services.onImportMessage(message, context.triggerMetadata, createDurablePort(df.getClient(context))),
});
app.storageQueue("onPoisonMessage", {
  queueName: formatQueueName(config.tablePrefix, queueNames.poison),
  connection,
  handler: (message, context) => services.onPoisonMessage(message, context.triggerMetadata),
});
app.storageQueue("onEventMessage", { queueName, connection, handler: onMessage });
app.storageQueue("onEventPoison", { queueName: `${queueName}-poison`, connection, handler: onPoison });

for (const [name, handler] of Object.entries(services.activities)) df.app.activity(name, { handler });
for (const [name, orchestrator] of Object.entries(orchestrators)) df.app.orchestration(name, orchestrator);
assertCallable(new Set([...Object.keys(services.activities), ...Object.keys(orchestrators)]));
