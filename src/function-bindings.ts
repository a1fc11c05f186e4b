import type { ApiRoute } from "./functions/api-route.ts";
import { type ApiRouteName, apiRoutes } from "./functions/api-routes.ts";
import { armRouteNameSchema, armRoutes } from "./functions/arm/arm-routes.ts";
import { assertCallable } from "./functions/orchestrators/callable.ts";
import { subOrchestrators } from "./functions/orchestrators/import-image.ts";
import { pageRoutes } from "./functions/page/serve-page.ts";
import type { PromotionStepName } from "./functions/promotions/promotion-steps.ts";
import { promoteName } from "./functions/promotions/start-promotion.ts";
import { importImageName } from "./functions/start-import.ts";
import type { StepName } from "./functions/steps.ts";

/*
 * What the host is told of the app's functions when it starts: names, methods, routes. This module is evaluated when the
 * app is built (scripts/build-app.ts) and is data in it, as the schemas of all routes would be much to load for that. So
 * whatever it exports must be JSON.
 */

/** An HTTP function as the host knows it. */
export interface HttpBinding<Name extends string> {
  readonly name: Name;
  readonly method: ApiRoute["method"];
  readonly route: string;
  readonly authLevel: ApiRoute["authLevel"];
}

/** The API without what starts, wakes or looks at orchestrations. */
export const apiFunctions = [
  ...(["getImport", "getImportParts", "listImports", "deleteImport", "getOverview", "getHealth"] as const),
  ...(["postVerify"] as const),
  ...(["listPromotions", "getPromotion", "listPromotionItems"] as const),
  ...(["listDeadEvents", "redeliverEvent", "deleteDeadEvent"] as const),
  ...(["listPoison", "getPoison", "requeuePoison", "deletePoison"] as const),
  ...(["listRegistries", "getRegistry", "checkRegistry"] as const),
  ...(["listRules", "getRule", "putRule", "deleteRule", "testRule"] as const),
  ...(["listSchedules", "getSchedule", "putSchedule", "deleteSchedule"] as const),
  ...(["getOpenApi"] as const),
].map(toBinding);

/** The rest of the API. */
export const durableApiFunctions = [
  ...(["postImports", "cancelImport", "retryImport", "postHook", "runSchedule"] as const),
  ...(["postPromotions", "cancelPromotion", "retryPromotion"] as const),
].map(toBinding);

/** The routes of Azure's resource manager. */
export const armFunctions = Object.entries(armRoutes).map(([key, route]) => {
  const { method, route: path, authLevel } = route;
  return { name: armRouteNameSchema.parse(key), method, route: path, authLevel };
});

/** The dashboard, by what of it the function serves. */
export const pageFunctions = [
  { part: "document", name: "page", methods: ["GET", "HEAD"], route: pageRoutes.document, authLevel: "anonymous" },
  { part: "asset", name: "pageAsset", methods: ["GET", "HEAD"], route: pageRoutes.asset, authLevel: "anonymous" },
] as const;

/** Every activity. */
export const activityNames = [
  ...(["resolveImport", "copyBlobs", "copyBlobSegment", "verifyBlobs", "publishManifests"] as const),
  ...(["delegateImport", "copyAndFinish", "finishImport"] as const),
  ...(["resetPromotion", "expandPromotion", "advancePromotion", "finishPromotion"] as const),
] satisfies readonly (StepName | PromotionStepName)[];

/** Every orchestrator. */
export const orchestratorNames = [
  importImageName,
  promoteName,
  subOrchestrators.copyLargeBlob,
  subOrchestrators.importSlice,
] as const;

assertCallable(new Set<string>([...activityNames, ...orchestratorNames]));

function toBinding<Name extends ApiRouteName>(name: Name): HttpBinding<Name> {
  const { method, route, authLevel } = apiRoutes[name];
  return { name, method, route, authLevel };
}
