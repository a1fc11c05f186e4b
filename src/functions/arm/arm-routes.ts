import { z } from "zod";
import { armErrorSchema } from "../../domain/arm-error.ts";
import { importImageParametersSchema } from "../../domain/arm-import.ts";
import type { ApiRoute } from "../api-route.ts";
import {
  armEndpointsSchema,
  armListOf,
  armRegistrySchema,
  armSubscriptionSchema,
  armTenantSchema,
  resourcesQuerySchema,
} from "./resources.ts";

const provider = "providers/Microsoft.ContainerRegistry";
const inSubscription = "subscriptions/{subscription}";
const inGroup = `${inSubscription}/resourceGroups/{group}`;

const apiVersionQuery = z.object({
  "api-version": z.string().optional().describe("Any is taken; it comes back in Location."),
});

const read = {
  method: "GET",
  authLevel: "anonymous",
  security: "caller",
  query: apiVersionQuery,
  errors: armErrorSchema,
  problems: [401, 403, 503],
} as const satisfies Partial<ApiRoute>;

const operationAnswers = {
  200: { description: "It has ended: every manifest's state and `status`", schema: z.record(z.string(), z.string()) },
  202: {
    description: "It runs: Location and Retry-After say where and when to look; manifests by `repository@digest`",
    schema: z.record(z.string(), z.string()),
  },
} as const;

/** Routes of Azure's resource manager, as far as clients of its importImage use them. Anonymous for the host only. */
export const armRoutes = {
  armImportImage: {
    ...read,
    method: "POST",
    route: `${inGroup}/${provider}/registries/{name}/importImage`,
    summary: "Start an import as ARM's Registries - Import Image does",
    headers: {
      "x-ms-client-request-id": "Makes the request repeatable, together with x-ms-correlation-request-id.",
      Prefer: "respond-async: do not wait for the end of a small image.",
    },
    body: { schema: importImageParametersSchema, isRequired: true },
    answers: operationAnswers,
    problems: [400, 401, 403, 404, 409, 503],
  },
  armGetOperation: {
    ...read,
    route: `${inSubscription}/${provider}/locations/{location}/operationResults/registries-{id}`,
    summary: "Look at an import that was started by armImportImage",
    answers: operationAnswers,
    problems: [400, 401, 403, 404, 409, 503],
  },
  armGetRegistry: {
    ...read,
    route: `${inGroup}/${provider}/registries/{name}`,
    summary: "A registry that imports may go to",
    answers: { 200: { description: "The registry", schema: armRegistrySchema } },
    problems: [401, 403, 404, 503],
  },
  armListGroupRegistries: {
    ...read,
    route: `${inGroup}/${provider}/registries`,
    summary: "List registries of a resource group",
    answers: { 200: { description: "All of them", schema: armListOf(armRegistrySchema) } },
  },
  armListRegistries: {
    ...read,
    route: `${inSubscription}/${provider}/registries`,
    summary: "List registries that imports may go to",
    answers: { 200: { description: "All of them", schema: armListOf(armRegistrySchema) } },
  },
  armListResources: {
    ...read,
    route: `${inSubscription}/resources`,
    summary: "List registries as resources",
    query: resourcesQuerySchema.extend(apiVersionQuery.shape),
    answers: { 200: { description: "All of them", schema: armListOf(armRegistrySchema) } },
  },
  armGetSubscription: {
    ...read,
    route: inSubscription,
    summary: "Look at a subscription",
    answers: { 200: { description: "The subscription", schema: armSubscriptionSchema } },
  },
  armListSubscriptions: {
    ...read,
    route: "subscriptions",
    summary: "List subscriptions",
    answers: { 200: { description: "All of them", schema: armListOf(armSubscriptionSchema) } },
  },
  armListTenants: {
    ...read,
    route: "tenants",
    summary: "List tenants",
    answers: { 200: { description: "The one", schema: armListOf(armTenantSchema) } },
  },
  armGetEndpoints: {
    method: "GET",
    route: "metadata/endpoints",
    authLevel: "anonymous",
    summary: "Where to sign in, for az cloud register",
    answers: { 200: { description: "Addresses", schema: armEndpointsSchema } },
    problems: [],
  },
} as const satisfies Readonly<Record<string, ApiRoute>>;
export type ArmRouteName = keyof typeof armRoutes;
export const armRouteNameSchema = z.custom<ArmRouteName>((name) => typeof name === "string" && name in armRoutes);
