import { z } from "zod";
import { importRequestSchema } from "../domain/import-request-schema.ts";
import { importPageSchema, importViewSchema } from "../domain/import-view.ts";
import { overviewSchema } from "../domain/overview.ts";
import { partPageSchema } from "../domain/part-view.ts";
import { planViewSchema } from "../domain/plan-view.ts";
import { verificationSchema } from "../domain/verification.ts";
import { verifyRequestSchema } from "../domain/verify-request.ts";
import { type ApiRoute, ifNoneMatch, notModified } from "./api-route.ts";
import { poisonRoutes } from "./poison-routes.ts";
import { promotionRoutes } from "./promotion-routes.ts";
import { registryRoutes } from "./registry-routes.ts";
import { ruleRoutes } from "./rule-routes.ts";
import { scheduleRoutes } from "./schedule-routes.ts";
import { deadEventPageSchema, deadEventsQuerySchema, deadEventViewSchema } from "./triggers/dead-events.ts";
import { healthSchema } from "./triggers/get-health.ts";
import { partsQuerySchema } from "./triggers/get-import-parts.ts";
import { overviewQuerySchema } from "./triggers/get-overview.ts";
import { listQuerySchema } from "./triggers/list-imports.ts";
import { postImportsQuerySchema } from "./triggers/post-imports.ts";
import { retryBodySchema, retryQuerySchema } from "./triggers/retry-import.ts";

const importAnswer = (description: string) => ({ description, schema: importViewSchema });

/** Every route by the name of its function. */
export const apiRoutes = {
  postImports: {
    method: "POST",
    route: "api/imports",
    authLevel: "function",
    summary: "Start an import, or plan one (dryRun)",
    query: postImportsQuerySchema,
    headers: { "Idempotency-Key": "Makes the request repeatable for 24 h." },
    body: { schema: importRequestSchema, isRequired: true },
    answers: {
      200: {
        description: "The import, when it ended within ?wait=; the plan of a dry run",
        schema: z.union([importViewSchema, planViewSchema]),
      },
      202: importAnswer("Accepted; Location and Retry-After say where and when to look"),
    },
    problems: [400, 403, 409, 422, 503, 504],
  },
  listImports: {
    method: "GET",
    route: "api/imports",
    authLevel: "function",
    summary: "List imports, newest first",
    query: listQuerySchema,
    headers: ifNoneMatch,
    answers: { 200: { description: "A page", schema: importPageSchema }, 304: notModified },
    problems: [400, 503],
  },
  getImport: {
    method: "GET",
    route: "api/imports/{id}",
    authLevel: "function",
    summary: "Look at an import",
    headers: ifNoneMatch,
    answers: { 200: importAnswer("The import"), 304: notModified },
    problems: [404, 503],
  },
  getImportParts: {
    method: "GET",
    route: "api/imports/{id}/parts",
    authLevel: "function",
    summary: "List the manifests and blobs of an import",
    query: partsQuerySchema,
    headers: ifNoneMatch,
    answers: { 200: { description: "A page", schema: partPageSchema }, 304: notModified },
    problems: [400, 404, 503],
  },
  cancelImport: {
    method: "POST",
    route: "api/imports/{id}/cancel",
    authLevel: "function",
    summary: "Cancel an import",
    answers: { 200: importAnswer("It has ended"), 202: importAnswer("It stops within seconds") },
    problems: [404, 409, 503],
  },
  retryImport: {
    method: "POST",
    route: "api/imports/{id}/retry",
    authLevel: "function",
    summary: "Try an import again that failed or was cancelled",
    query: retryQuerySchema,
    body: { schema: retryBodySchema, isRequired: false },
    answers: { 202: importAnswer("The next attempt is accepted") },
    problems: [400, 403, 404, 409, 503],
  },
  deleteImport: {
    method: "DELETE",
    route: "api/imports/{id}",
    authLevel: "function",
    summary: "Forget an import that has ended; what it copied stays",
    answers: { 204: { description: "Forgotten" } },
    problems: [404, 409, 503],
  },
  postVerify: {
    method: "POST",
    route: "api/verify",
    authLevel: "function",
    summary: "Compare two images to their last blob",
    body: { schema: verifyRequestSchema, isRequired: true },
    answers: { 200: { description: "Whether they are the same, and in what they differ", schema: verificationSchema } },
    problems: [400, 403, 422, 503, 504],
  },
  listDeadEvents: {
    method: "GET",
    route: "api/events/dead",
    authLevel: "function",
    summary: "List events that could not be delivered",
    query: deadEventsQuerySchema,
    answers: { 200: { description: "A page", schema: deadEventPageSchema } },
    problems: [400, 503],
  },
  redeliverEvent: {
    method: "POST",
    route: "api/events/dead/{id}/redeliver",
    authLevel: "function",
    summary: "Try to deliver a dead event again",
    answers: { 202: { description: "It is on its way; it comes back if it fails again", schema: deadEventViewSchema } },
    problems: [404, 409, 503],
  },
  deleteDeadEvent: {
    method: "DELETE",
    route: "api/events/dead/{id}",
    authLevel: "function",
    summary: "Forget a dead event",
    answers: { 204: { description: "Forgotten" } },
    problems: [404, 503],
  },
  getOverview: {
    method: "GET",
    route: "api/overview",
    authLevel: "function",
    summary: "Count the imports of the last hour, day or week, and name those that run",
    query: overviewQuerySchema,
    headers: ifNoneMatch,
    answers: { 200: { description: "Counts, at most 10 s old", schema: overviewSchema }, 304: notModified },
    problems: [400, 503],
  },
  ...ruleRoutes,
  ...scheduleRoutes,
  ...promotionRoutes,
  ...poisonRoutes,
  ...registryRoutes,
  getHealth: {
    method: "GET",
    route: "api/health",
    authLevel: "anonymous",
    summary: "Health of storage and of the registries that the settings name",
    answers: {
      200: { description: "Imports can be accepted", schema: healthSchema },
      503: { description: "Storage does not work", schema: healthSchema },
    },
    problems: [],
  },
  getOpenApi: {
    method: "GET",
    route: "api/openapi.json",
    authLevel: "function",
    summary: "This document",
    answers: { 200: { description: "OpenAPI 3.1" } },
    problems: [],
  },
} as const satisfies Readonly<Record<string, ApiRoute>>;
export type ApiRouteName = keyof typeof apiRoutes;
