import type { HttpRequest } from "@azure/functions";
import type { ArmRegistries, ArmRegistry } from "../../domain/arm-registries.ts";
import { formatRegistryResourceId, type RegistryResourceId } from "../../domain/arm-resource-id.ts";
import { ImportError } from "../../errors.ts";

/** The subscription, and the resource group where there is one, that a request's path names. */
export function readScope(request: HttpRequest): { readonly subscription: string; readonly group?: string } {
  const { subscription = "", group } = request.params;
  return { subscription, ...(group === undefined ? {} : { group }) };
}

/** The registry that a request's path names. Throws REGISTRY_NOT_FOUND. */
export function readRegistry(request: HttpRequest, known: Pick<ArmRegistries, "find">): ArmRegistry {
  const { subscription = "", group = "", name = "" } = request.params;
  const id: RegistryResourceId = { subscription, group, name };
  const found = known.find(id);
  if (found !== undefined) return found;
  throw new ImportError({
    code: "REGISTRY_NOT_FOUND",
    what: `there is no registry ${formatRegistryResourceId(id).slice(0, 400)} that imports may go to`,
    hint: "the operator can add its host to ALLOWED_TARGETS, and name it by alias or resourceId in REGISTRIES",
  });
}

/** Any version of the API is taken; it comes back in addresses. */
export function readApiVersion(request: HttpRequest): string {
  const asked = [...request.query].find(([name]) => name.toLowerCase() === "api-version")?.[1];
  return asked === undefined || asked === "" || asked.length > 40 ? defaultApiVersion : asked;
}

const defaultApiVersion = "2025-11-01";
