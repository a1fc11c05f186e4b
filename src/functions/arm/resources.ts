import { z } from "zod";
import { armLocation } from "../../domain/arm-operation.ts";
import { type ArmRegistries, type ArmRegistry, resourceIdOf } from "../../domain/arm-registries.ts";
import { formatRegistryResourceId, isSameText } from "../../domain/arm-resource-id.ts";
import { type HttpHandler, json } from "../triggers/http-answer.ts";
import type { ArmHandler } from "./arm-answer.ts";
import { readRegistry, readScope } from "./read-path.ts";

const registryType = "Microsoft.ContainerRegistry/registries";

export const armSubscriptionSchema = z
  .strictObject({
    id: z.string(),
    subscriptionId: z.string(),
    tenantId: z.string(),
    displayName: z.string(),
    state: z.literal("Enabled"),
  })
  .meta({ id: "ArmSubscription" });

export const armTenantSchema = z
  .strictObject({ id: z.string(), tenantId: z.string(), displayName: z.string() })
  .meta({ id: "ArmTenant" });

/** What clients read of a registry. The tier is the one that may do everything: clients refuse imports into others. */
export const armRegistrySchema = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    type: z.literal(registryType),
    location: z.string(),
    tags: z.record(z.string(), z.string()),
    sku: z.strictObject({ name: z.literal("Premium"), tier: z.literal("Premium") }),
    properties: z.strictObject({
      loginServer: z.string().describe("Its host."),
      creationDate: z.iso.datetime(),
      provisioningState: z.literal("Succeeded"),
      adminUserEnabled: z.literal(false),
    }),
  })
  .meta({ id: "ArmRegistry", description: "A registry that imports may go to." });

/** A list in ARM's form; everything is on its one page. */
export const armListOf = (schema: z.ZodType) => z.strictObject({ value: z.array(schema) });

export const resourcesQuerySchema = z.object({
  $filter: z.string().optional().describe("resourceType eq '…' and name eq '…'; other conditions are not looked at."),
});

export interface ResourcesDeps {
  readonly known: ArmRegistries;
  readonly tenantId: string;
}

/** What clients look for before they send an import, answered from the registries that the settings name. */
export function createResources({ known, tenantId }: ResourcesDeps) {
  const subscription = (id: string): z.infer<typeof armSubscriptionSchema> => ({
    id: `/subscriptions/${id}`,
    subscriptionId: id,
    tenantId,
    displayName: "Drayage",
    state: "Enabled",
  });
  const viewOf = (registry: ArmRegistry, scope: ReturnType<typeof readScope>) => toView(registry, scope);

  const listRegistries: ArmHandler = async (request) => {
    const scope = readScope(request);
    const inGroup = ({ place }: ArmRegistry) =>
      scope.group === undefined || place === undefined || isSameText(place.group, scope.group);
    const value = known.list(scope.subscription).filter(inGroup);
    return json(200, { value: value.map((registry) => viewOf(registry, scope)) });
  };

  return {
    listTenants: (async () =>
      json(200, { value: [{ id: `/tenants/${tenantId}`, tenantId, displayName: "Drayage" }] })) satisfies ArmHandler,
    listSubscriptions: (async () => json(200, { value: known.subscriptions.map(subscription) })) satisfies ArmHandler,
    // Any is as good as another: what a script names stays, and its registries are looked up by their names.
    getSubscription: (async (request) => json(200, subscription(readScope(request).subscription))) satisfies ArmHandler,
    listResources: (async (request) => {
      const scope = readScope(request);
      const filter = request.query.get("$filter") ?? "";
      const isWanted = ({ name }: ArmRegistry) =>
        (conditionOf(filter, "resourceType") ?? registryType).toLowerCase() === registryType.toLowerCase() &&
        isSameText(conditionOf(filter, "name") ?? name, name);
      const value = known.list(scope.subscription).filter(isWanted);
      return json(200, { value: value.map((registry) => viewOf(registry, scope)) });
    }) satisfies ArmHandler,
    listRegistries,
    getRegistry: (async (request) =>
      json(200, viewOf(readRegistry(request, known), readScope(request)))) satisfies ArmHandler,
  };
}

/** `name eq 'x'` → x. */
function conditionOf(filter: string, property: string): string | undefined {
  return new RegExp(`\\b${property}\\s+eq\\s+'([^']*)'`, "i").exec(filter)?.[1];
}

function toView(registry: ArmRegistry, scope: ReturnType<typeof readScope>): z.infer<typeof armRegistrySchema> {
  return {
    id: formatRegistryResourceId(resourceIdOf(registry, scope)),
    name: registry.name,
    type: registryType,
    location: armLocation,
    tags: {},
    sku: { name: "Premium", tier: "Premium" },
    properties: {
      loginServer: registry.host,
      creationDate: "2000-01-01T00:00:00Z", // nobody knows: clients want a date
      provisioningState: "Succeeded",
      adminUserEnabled: false,
    },
  };
}

export const armEndpointsSchema = z
  .strictObject({
    galleryEndpoint: z.string(),
    graphEndpoint: z.string(),
    portalEndpoint: z.string(),
    authentication: z.strictObject({ loginEndpoint: z.string(), audiences: z.array(z.string()) }),
  })
  .meta({ id: "ArmEndpoints" });

/** `GET /metadata/endpoints`: where to sign in, as `az cloud register` asks of a resource manager before anybody has. */
export function createGetEndpoints(authority: string, audiences: readonly string[]): HttpHandler {
  const body: z.infer<typeof armEndpointsSchema> = {
    galleryEndpoint: "",
    graphEndpoint: "https://graph.windows.net/",
    portalEndpoint: "",
    authentication: { loginEndpoint: authority, audiences: [...audiences] },
  };
  return async () => json(200, body);
}
