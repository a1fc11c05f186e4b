import type { HttpRequest } from "@azure/functions";
import { type AllowSettings, assertAllowedSource, isAllowedTarget } from "../../domain/allow-list.ts";
import { parseRegistry, type RegistryNames } from "../../domain/import-target.ts";
import { checkBodySchema } from "../../domain/registry-view.ts";
import type { CheckRegistry } from "../registries/check-registry.ts";
import type { ViewRegistry } from "../registries/view-registry.ts";
import { answerTagged } from "../tagged-answer.ts";
import { type HttpHandler, json } from "./http-answer.ts";
import { readJsonBody } from "./read-body.ts";
import { readShape } from "./read-shape.ts";

export interface RegistriesDeps {
  readonly names: RegistryNames;
  readonly allow: AllowSettings;
  /** Hosts that the settings name one by one. */
  readonly named: readonly string[];
  readonly view: ViewRegistry;
  readonly check: CheckRegistry;
}

/** The registries: what the settings name, and any other that imports may come from. */
export function createRegistryHandlers({ names, allow, named, view, check }: RegistriesDeps) {
  /** Throws INVALID_REFERENCE, and HOST_NOT_ALLOWED for what imports may neither come from nor go to. */
  const readHost = (request: HttpRequest): string => {
    const host = parseRegistry(request.params.host ?? "", "host", names);
    if (!isAllowedTarget(host, allow)) assertAllowedSource(host, allow);
    return host;
  };
  return {
    listRegistries: async (request) => answerTagged({ registries: await Promise.all(named.map(view)) }, request),
    getRegistry: async (request) => answerTagged(await view(readHost(request)), request),
    checkRegistry: async (request) => {
      const host = readHost(request);
      const { repository } = readShape(checkBodySchema, (await readJsonBody(request)) ?? {}, "the body");
      const found = await check(host, repository);
      const headers = { "cache-control": "no-store" };
      return json(200, { ...(await view(host)), check: found }, headers); // with what the check has learned
    },
  } satisfies Readonly<Record<string, HttpHandler>>;
}
