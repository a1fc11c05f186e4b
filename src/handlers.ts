import { metrics, trace } from "@opentelemetry/api";
import type { Config } from "./config.ts";
import { apiRoutes } from "./functions/api-routes.ts";
import { armRoutes } from "./functions/arm/arm-routes.ts";
import type { ToDurable } from "./functions/arm/create-arm.ts";
import { createLog } from "./functions/log.ts";
import { createOpenApi } from "./functions/openapi.ts";
import { copyLargeBlob, importSlice } from "./functions/orchestrators/copy-units.ts";
import { importImage, subOrchestrators } from "./functions/orchestrators/import-image.ts";
import { promote } from "./functions/orchestrators/promote.ts";
import { readPageFiles } from "./functions/page/page-files.ts";
import { createServePage } from "./functions/page/serve-page.ts";
import { promoteName } from "./functions/promotions/start-promotion.ts";
import { importImageName } from "./functions/start-import.ts";
import { createTelemetry } from "./functions/telemetry/telemetry.ts";
import type { PlannedIds } from "./functions/telemetry/trace-ids.ts";
import { answering, type HttpHandler, json } from "./functions/triggers/http-answer.ts";
import { signedIn } from "./functions/triggers/signed-in.ts";
import { createServices } from "./services.ts";

export interface HandlersDeps {
  readonly config: Config;
  readonly plannedIds: PlannedIds;
  readonly stopping: AbortSignal;
  readonly isEmbedded: boolean;
  /** Where the dashboard's files are. */
  readonly pageDirectory: URL;
  readonly toDurable: ToDurable;
  /** Why nothing is sent to Application Insights or the collector of the settings. */
  readonly telemetryFailure: string | undefined;
}

/** What the registered functions do, by their names. Nothing here touches the network. */
export function createHandlers(deps: HandlersDeps) {
  const { config, plannedIds, stopping, isEmbedded, pageDirectory, toDurable, telemetryFailure } = deps;
  const telemetry = createTelemetry({
    tracer: () => trace.getTracer("drayage"),
    meter: () => metrics.getMeter("drayage"),
    ids: plannedIds,
  });
  const log = telemetry.logging(createLog((line) => process.stdout.write(line)));
  if (telemetryFailure !== undefined) log("telemetry-failed", { error: telemetryFailure });
  const services = createServices({ config, log, stopping, isEmbedded, telemetry });

  let openApi: object | undefined;
  const getOpenApi: HttpHandler = async () => {
    openApi ??= createOpenApi({ ...apiRoutes, ...armRoutes }, config.callers.apiSignIn);
    return json(200, openApi);
  };
  return {
    ...services,
    api: { ...services.handlers, getOpenApi },
    durableApi: services.durableHandlers,
    arm: services.arm(toDurable),
    page: createServePage({ readFiles: () => readPageFiles(pageDirectory) }),
    /** Answers what a handler throws. */
    answering: (handle: Handle) => answering(log, handle),
    /** The same for those alone whom the platform has signed in. */
    answeringSignedIn: (handle: Handle) => answering(log, signedIn(log, handle)),
    orchestrators: {
      [importImageName]: importImage,
      [promoteName]: promote,
      [subOrchestrators.copyLargeBlob]: copyLargeBlob,
      [subOrchestrators.importSlice]: importSlice,
    },
  };
}

type Handle = Parameters<typeof answering>[1];

export type Handlers = ReturnType<typeof createHandlers>;
