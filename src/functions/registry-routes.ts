import {
  checkBodySchema,
  checkedRegistrySchema,
  registryListSchema,
  registryViewSchema,
} from "../domain/registry-view.ts";
import { type ApiRoute, ifNoneMatch, notModified } from "./api-route.ts";

/** Routes of registries, by the name of their function. */
export const registryRoutes = {
  listRegistries: {
    method: "GET",
    route: "api/registries",
    authLevel: "function",
    summary: "List the registries that the settings name; asks none of them",
    headers: ifNoneMatch,
    answers: {
      200: { description: "All of them, the default target first", schema: registryListSchema },
      304: notModified,
    },
    problems: [],
  },
  getRegistry: {
    method: "GET",
    route: "api/registries/{host}",
    authLevel: "function",
    summary: "Look at a registry, by its host, alias or name; does not ask it",
    headers: ifNoneMatch,
    answers: { 200: { description: "The registry", schema: registryViewSchema }, 304: notModified },
    problems: [400, 403],
  },
  checkRegistry: {
    method: "POST",
    route: "api/registries/{host}/check",
    authLevel: "function",
    summary: "Try at a registry what imports need, within 10 s; leaves nothing there",
    body: { schema: checkBodySchema, isRequired: false },
    answers: { 200: { description: "What works and what is missing", schema: checkedRegistrySchema } },
    problems: [400, 403],
  },
} as const satisfies Readonly<Record<string, ApiRoute>>;
