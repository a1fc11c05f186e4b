import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parameterSets } from "../../scripts/infrastructure.ts";
import type { ApiRoute } from "../../src/functions/api-route.ts";
import { apiRoutes } from "../../src/functions/api-routes.ts";
import { armRoutes } from "../../src/functions/arm/arm-routes.ts";
import { appSettings, onlyOne, readSnapshot, siteConfig } from "../helpers/infrastructure.ts";

/**
 * Refused are alwaysOn, ftpsState, functionAppScaleLimit, functionsRuntimeScaleMonitoringEnabled, linuxFxVersion,
 * netFrameworkVersion, preWarmedInstanceCount, use32BitWorkerProcess and who knows what else ("The following site
 * configuration property … for Flex Consumption sites is invalid"), in some regions. These are known to be taken.
 * Source: Azure/azure-cli#31414, Azure/terraform-azurerm-avm-res-web-site#345 and #360.
 */
const flexProperties = [
  ...["minTlsVersion", "scmMinTlsVersion", "http20Enabled"],
  ...["ipSecurityRestrictionsDefaultAction", "ipSecurityRestrictions", "scmIpSecurityRestrictionsUseMain"],
];

describe.each(parameterSets)("parameter set %s", (name) => {
  const resources = readSnapshot(name);

  it("opens storage to identities only", () => {
    expect(onlyOne(resources, "Microsoft.Storage/storageAccounts").properties).toMatchObject({
      allowSharedKeyAccess: false,
      allowBlobPublicAccess: false,
      minimumTlsVersion: "TLS1_2",
      supportsHttpsTrafficOnly: true,
    });
  });

  it("opens the vault by roles, and keeps what is deleted", () => {
    expect(onlyOne(resources, "Microsoft.KeyVault/vaults").properties).toMatchObject({
      enableRbacAuthorization: true,
      enablePurgeProtection: true,
    });
  });

  it("takes telemetry from identities only", () => {
    expect(onlyOne(resources, "Microsoft.Insights/components").properties).toMatchObject({ DisableLocalAuth: true });
  });

  it("has no publishing passwords and no plain http", () => {
    const policies = resources.filter(({ type }) => type.endsWith("/basicPublishingCredentialsPolicies"));

    expect(policies.map(({ properties }) => properties)).toEqual([{ allow: false }, { allow: false }]);
    expect(onlyOne(resources, "Microsoft.Web/sites").properties).toMatchObject({
      httpsOnly: true,
      siteConfig: { minTlsVersion: "1.2" },
    });
  });

  it("configures of the site only what Flex Consumption takes: Azure refuses the app for what it does not", () => {
    const { siteConfig } = onlyOne(resources, "Microsoft.Web/sites").properties;

    expect(Object.keys(siteConfig ?? {}).filter((property) => !flexProperties.includes(property))).toEqual([]);
  });

  it("reads packages by identity", () => {
    expect(onlyOne(resources, "Microsoft.Web/sites").properties).toMatchObject({
      functionAppConfig: { deployment: { storage: { authentication: { type: "UserAssignedIdentity" } } } },
    });
  });

  it("watches failures, given-up messages, lost orchestrations, silence and throttling", () => {
    const rules = resources.filter(({ type }) => type === "Microsoft.Insights/scheduledQueryRules");

    expect(rules.map((rule) => rule.name.replace(/^drayage-[a-z0-9]{13}-/, ""))).toEqual([
      "failed-imports",
      "poison-messages",
      "stuck-imports",
      "nothing-runs",
      "throttled",
    ]);
  });

  it("counts what sampling leaves out of the log, and wakes people when the app is silent", () => {
    const criteriaSchema = z.object({
      criteria: z.object({
        allOf: z.array(z.object({ query: z.string(), operator: z.string(), threshold: z.number() })).length(1),
      }),
    });
    const rules = resources
      .filter(({ type }) => type === "Microsoft.Insights/scheduledQueryRules")
      .map((rule) => ({ ...rule, condition: criteriaSchema.parse(rule.properties).criteria.allOf[0] }));

    expect(rules.filter(({ condition }) => !condition?.query.includes("sum(ItemCount)"))).toEqual([]);
    expect(rules.filter(({ condition }) => / count(\(\))?\b/.test(condition?.query ?? ""))).toEqual([]);
    expect(rules.find(({ name }) => name.endsWith("-nothing-runs"))?.condition).toMatchObject({
      query: expect.stringContaining('"minute-ended"'),
      operator: "LessThan",
      threshold: 1,
    });
    expect(rules.map(({ condition }) => condition?.threshold)).toEqual([5, 0, 0, 1, 5]); // none of them is given
  });
});

it("alerts tell the action groups, which are all that has to be named", () => {
  const rules = readSnapshot("public").filter(({ type }) => type === "Microsoft.Insights/scheduledQueryRules");
  const onCall = expect.stringMatching(/\/actionGroups\/on-call$/);

  expect(rules.map(({ properties }) => properties.actions)).toEqual(Array(5).fill({ actionGroups: [onCall] }));
});

describe("events", () => {
  /** Of this deployment; that of another one in the same resource group or elsewhere has another suffix. */
  const subscriptionName = expect.stringMatching(/^drayage-[a-z0-9]{13}$/);

  it("sends pushes of the named repositories to the function, and keeps what cannot be delivered", () => {
    const resources = readSnapshot("public");

    expect(onlyOne(resources, "Microsoft.EventGrid/systemTopics/eventSubscriptions").properties).toMatchObject({
      destination: {
        endpointType: "AzureFunction",
        properties: { resourceId: expect.stringMatching(/\/sites\/func-drayage-\w+\/functions\/onRegistryEvent$/) },
      },
      filter: {
        includedEventTypes: ["Microsoft.ContainerRegistry.ImagePushed", "Microsoft.ContainerRegistry.ChartPushed"],
        subjectBeginsWith: "team/",
      },
      retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 },
      deadLetterWithResourceIdentity: {
        identity: { userAssignedIdentity: expect.stringMatching(/-events$/) },
        deadLetterDestination: { properties: { blobContainerName: "dead-letters" } },
      },
    });
    expect(resources.map(({ id }) => id)).toContainEqual(expect.stringMatching(/\/containers\/dead-letters$/));
  });

  it("wakes people when events cannot be delivered", () => {
    expect(onlyOne(readSnapshot("public"), "Microsoft.Insights/metricAlerts").properties).toMatchObject({
      scopes: [expect.stringMatching(/\/systemTopics\/evgt-dev-[a-z0-9]{13}$/)],
      criteria: {
        allOf: [
          {
            ...{ metricName: "DeadLetteredCount", timeAggregation: "Total", operator: "GreaterThan", threshold: 0 },
            dimensions: [{ name: "EventSubscriptionName", operator: "Include", values: [subscriptionName] }],
          },
        ],
      },
      actions: [{ actionGroupId: expect.stringMatching(/\/actionGroups\/on-call$/) }],
    });
  });

  it("come by a topic that is there already, which is not written to", () => {
    const resources = readSnapshot("private-network");
    const subscription = onlyOne(resources, "Microsoft.EventGrid/systemTopics/eventSubscriptions");

    expect(resources.filter(({ type }) => type === "Microsoft.EventGrid/systemTopics")).toEqual([]);
    expect(subscription.name).toMatch(/^registry-pushes\/drayage-[a-z0-9]{13}$/);
    expect(subscription.properties).toMatchObject({
      deadLetterWithResourceIdentity: { identity: { userAssignedIdentity: expect.stringMatching(/-events$/) } },
    });
  });

  it.each(["public", "private-network"] as const)("leave a second Drayage at the registry its own: %s", (name) => {
    const ours = readSnapshot(name).filter(({ id }) => id.includes("/systemTopics/"));
    const nameOf = (type: string) => onlyOne(ours, type).name.split("/").at(-1);

    expect(nameOf("Microsoft.EventGrid/systemTopics/eventSubscriptions")).toEqual(subscriptionName);
    expect(nameOf("Microsoft.Insights/diagnosticSettings")).toEqual(subscriptionName);
  });

  it("makes nothing for events that nobody asked for", () => {
    const text = JSON.stringify(readSnapshot("abac"));

    expect(text).not.toContain("EventGrid");
    expect(text).not.toContain("dead-letters");
    expect(text).not.toMatch(/id-drayage-\w+-events/);
  });
});

describe("the platform's sign-in", () => {
  it("leads everybody to Microsoft Entra, and lets in those alone who are named", () => {
    expect(siteConfig(readSnapshot("public"), "authsettingsV2")?.properties).toMatchObject({
      platform: { enabled: true },
      globalValidation: { requireAuthentication: true, unauthenticatedClientAction: "RedirectToLoginPage" },
      httpSettings: { requireHttps: true },
      identityProviders: {
        azureActiveDirectory: {
          enabled: true,
          registration: {
            clientId: "22222222-3333-4444-5555-666666666666",
            openIdIssuer: expect.stringMatching(/loginEndpoint, '00000000-0000-0000-0000-000000000002'\)\]$/), // one tenant
          },
          validation: {
            allowedAudiences: ["api://22222222-3333-4444-5555-666666666666"], // not those of Azure: anybody has such a token
            defaultAuthorizationPolicy: { allowedPrincipals: { identities: ["77777777-8888-9999-aaaa-bbbbbbbbbbbb"] } },
          },
        },
      },
    });
    expect(appSettings(readSnapshot("public")).API_SIGN_IN).toBe("platform");
  });

  it("is kept from what asks callers itself, and from no route that relies on it", () => {
    const { globalValidation } = z
      .object({ globalValidation: z.object({ excludedPaths: z.array(z.string()) }) })
      .parse(siteConfig(readSnapshot("public"), "authsettingsV2")?.properties);
    const isKept = (path: string) =>
      globalValidation.excludedPaths.some(
        (one) => one === path || (one.endsWith("*") && path.startsWith(one.slice(0, -1))),
      );
    const routes: readonly ApiRoute[] = Object.values({ ...apiRoutes, ...armRoutes });
    const byLevel = (level: string) => routes.filter(({ authLevel }) => authLevel === level);

    expect(byLevel("anonymous").filter(({ route }) => !isKept(`/${route}`))).toEqual([]);
    expect(byLevel("function").filter(({ route }) => isKept(`/${route}`))).toEqual([]);
    expect(isKept("/runtime/webhooks/EventGrid")).toBe(true);
    expect(isKept("/")).toBe(false);
  });

  it.each(["private-network", "abac"] as const)("is left as it is where nobody asks for it: %s", (name) => {
    expect(siteConfig(readSnapshot(name), "authsettingsV2")).toBeUndefined();
    expect(appSettings(readSnapshot(name))).not.toHaveProperty("API_SIGN_IN");
  });
});

describe("a private network", () => {
  const resources = readSnapshot("private-network");
  const linksSchema = z.object({
    privateLinkServiceConnections: z.array(
      z.object({ properties: z.object({ privateLinkServiceId: z.string(), groupIds: z.array(z.string()) }) }),
    ),
  });

  it.each(["Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"])("closes %s to the public", (type) => {
    expect(onlyOne(resources, type).properties).toMatchObject({
      publicNetworkAccess: "Disabled",
      networkAcls: { defaultAction: "Deny" },
    });
  });

  it("has secrets put into the vault by the deployment, which is shut to everybody outside", () => {
    const secrets = resources.filter(({ type }) => type === "Microsoft.KeyVault/vaults/secrets");

    expect(secrets).toContainEqual(
      expect.objectContaining({
        name: expect.stringMatching(/\/drayage-api-keys$/),
        properties: {
          value: expect.stringMatching(/^\[union\(parameters\('secretValues'\), .*\)\['drayage-api-keys'\]\]$/),
        },
      }),
    );
  });

  it("reaches storage, vault and both registries through endpoints whose names are registered", () => {
    const endpoints = resources.filter(({ type }) => type === "Microsoft.Network/privateEndpoints");
    const reached = endpoints
      .flatMap(({ properties }) => linksSchema.parse(properties).privateLinkServiceConnections)
      .map(({ properties: { privateLinkServiceId, groupIds } }) => `${groupIds} ${privateLinkServiceId.split("/")[7]}`);
    const named = resources.filter(({ type }) => type === "Microsoft.Network/privateEndpoints/privateDnsZoneGroups");

    expect(reached).toEqual([
      "blob storageAccounts",
      "queue storageAccounts",
      "table storageAccounts",
      "vault vaults",
      "registry registries",
      "registry registries",
    ]);
    expect(named).toHaveLength(endpoints.length);
  });

  it("sends the app out of a subnet that Flex Consumption takes", () => {
    expect(onlyOne(resources, "Microsoft.Web/sites").properties.virtualNetworkSubnetId).toMatch(/\/subnets\/app$/);
    expect(onlyOne(resources, "Microsoft.Network/virtualNetworks").properties).toMatchObject({
      subnets: [
        { name: "app", properties: { delegations: [{ properties: { serviceName: "Microsoft.App/environments" } }] } },
        { name: "endpoints" },
      ],
    });
  });

  it("lets in the named addresses and Event Grid, and nobody else", () => {
    expect(onlyOne(resources, "Microsoft.Web/sites").properties).toMatchObject({
      siteConfig: {
        ipSecurityRestrictionsDefaultAction: "Deny",
        ipSecurityRestrictions: [
          { ipAddress: "203.0.113.0/24", action: "Allow" },
          { ipAddress: "AzureEventGrid", tag: "ServiceTag", action: "Allow" },
        ],
      },
    });
  });
});

describe("a network that is there already", () => {
  const resources = readSnapshot("existing-network");
  const groups = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups";
  const subnet = (name: string) => `${groups}/hub/providers/Microsoft.Network/virtualNetworks/spoke/subnets/${name}`;
  const zonesSchema = z.object({
    privateDnsZoneConfigs: z.array(z.object({ properties: z.object({ privateDnsZoneId: z.string() }) })),
  });
  const ofType = (type: string) => resources.filter((resource) => resource.type === type);

  it("gets no virtual network, subnet, security group, DNS zone or link of a zone", () => {
    const made = new Set(resources.map(({ type }) => type).filter((type) => type.startsWith("Microsoft.Network/")));

    expect([...made]).toEqual([
      "Microsoft.Network/privateEndpoints",
      "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
    ]);
  });

  it("has the app in its one subnet and every endpoint in the other", () => {
    const site = onlyOne(resources, "Microsoft.Web/sites").properties;
    const endpoints = ofType("Microsoft.Network/privateEndpoints").map(({ properties }) => properties.subnet);

    expect(site.virtualNetworkSubnetId).toBe(subnet("drayage"));
    expect(endpoints).toEqual(Array(5).fill({ id: subnet("private-endpoints") }));
  });

  it("writes each endpoint into the zone of another resource group that is named for it", () => {
    const zones = ofType("Microsoft.Network/privateEndpoints/privateDnsZoneGroups").flatMap(({ properties }) =>
      zonesSchema
        .parse(properties)
        .privateDnsZoneConfigs.map(({ properties: { privateDnsZoneId } }) => privateDnsZoneId),
    );

    expect(zones).toEqual(
      [
        "blob.core.windows.net",
        "queue.core.windows.net",
        "table.core.windows.net",
        "vaultcore.azure.net",
        "azurecr.io",
      ].map((name) => `${groups}/dns/providers/Microsoft.Network/privateDnsZones/privatelink.${name}`),
    );
  });

  it.each(["Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"])("closes %s to the public", (type) => {
    expect(onlyOne(resources, type).properties).toMatchObject({ publicNetworkAccess: "Disabled" });
  });
});
