import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parameterSets } from "../../scripts/infrastructure.ts";
import { deployedSettings } from "../../scripts/measure-start.ts";
import { parseConfig, settingNames } from "../../src/config.ts";
import { serviceEnvironment, serviceNodeFlags } from "../../src/local/service-process.ts";
import {
  appSettings,
  onlyOne,
  type ParameterSet,
  readSnapshot,
  siteConfig,
  telemetrySettings,
} from "../helpers/infrastructure.ts";

/** What the host and the exporters of telemetry read. */
const hostSettings = [
  ...telemetrySettings,
  "AzureWebJobsStorage__credential",
  "AzureWebJobsStorage__blobServiceUri",
  "AzureWebJobsDisableHomepage",
  "APPLICATIONINSIGHTS_CONNECTION_STRING",
  "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
  "languageWorkers__node__arguments",
  ...Object.keys(serviceEnvironment),
];

const registriesId =
  "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/registries/providers/Microsoft.ContainerRegistry/registries";

/** What only Azure knows. */
const valuesInAzure: Readonly<Record<string, string>> = {
  DEFAULT_TARGET: "prod.azurecr.io",
  ALLOWED_TARGETS: "prod.azurecr.io",
  ALLOWED_SOURCES: "docker.io,dev.azurecr.io",
  REGISTRIES: JSON.stringify([
    { host: "prod.azurecr.io", resourceId: `${registriesId}/prod`, limits: "acr-premium", auth: { kind: "entra" } },
    { host: "dev.azurecr.io", resourceId: `${registriesId}/dev`, limits: "acr-basic", auth: { kind: "entra" } },
  ]),
  KEY_VAULT_URL: "https://kv-drayage-dncxk4oodguwi.vault.azure.net",
  REGISTRY_SUFFIX: "azurecr.io",
  ARM_AUTHORITY: "https://login.microsoftonline.com/",
  ARM_AUDIENCES: "https://management.core.windows.net/,https://management.azure.com/",
  AzureWebJobsStorage__blobServiceUri: "https://stdrayage.blob.core.windows.net",
  AzureWebJobsStorage__queueServiceUri: "https://stdrayage.queue.core.windows.net",
  AzureWebJobsStorage__tableServiceUri: "https://stdrayage.table.core.windows.net",
  AzureWebJobsStorage__clientId: "11111111-2222-3333-4444-555555555555",
  SECRETS_KEY: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
  API_KEYS: "c2VjcmV0LWtleS1mb3ItcGlwZWxpbmVz",
  HOOK_SECRETS: "acr:3f7c91d0a86e4b52",
  OTEL_EXPORTER_OTLP_HEADERS: "api-key=c2VjcmV0LWtleQ",
};

const isKnownInAzureOnly = (value: string) => value.startsWith("[") || value.startsWith("@Microsoft.KeyVault(");

it("a start is measured with the settings that every deployment has", () => {
  const ofEachSet = parameterSets.map((name) => Object.keys(appSettings(readSnapshot(name))));
  const ofAll = ofEachSet.reduce((common, names) => common.filter((name) => names.includes(name)));

  expect(Object.keys(deployedSettings).sort()).toEqual(ofAll.toSorted());
  expect(() => parseConfig(deployedSettings)).not.toThrow();
});

describe.each(parameterSets)("application settings of parameter set %s", (name) => {
  const settings = appSettings(readSnapshot(name));

  it("has settings of Drayage and of the host, and none that nobody reads", () => {
    const isRead = (key: string) =>
      settingNames.includes(key) || hostSettings.includes(key) || key.startsWith("AzureFunctionsJobHost__");
    const unread = Object.keys(settings).filter((key) => !isRead(key));

    expect(unread).toEqual([]);
  });

  it("is taken by the app", () => {
    const filled = Object.entries(settings).map(([key, value]) => [
      key,
      isKnownInAzureOnly(value) ? valuesInAzure[key] : value,
    ]);

    const isSignInOn = siteConfig(readSnapshot(name), "authsettingsV2") !== undefined;
    const ofThePlatform = { WEBSITE_AUTH_ENABLED: isSignInOn ? "True" : "False" };
    expect(() => parseConfig({ ...Object.fromEntries(filled), ...ofThePlatform })).not.toThrow();
  });

  it("signs in at each registry by identity, within the limits of its tier", () => {
    expect(settings.REGISTRIES).toMatch(/'limits', .*sku\.name.*'auth', createObject\('kind', 'entra'\)/);
  });

  it("has a key that seals: without one each process would seal for itself alone", () => {
    expect(settings.SECRETS_KEY).toMatch(
      /^@Microsoft\.KeyVault\(VaultName=kv-drayage-\w+;SecretName=drayage-secrets-key\)$/,
    );
  });

  it("has the dashboard at /", () => {
    expect(settings.AzureWebJobsDisableHomepage).toBe("true");
  });

  it("reaches storage and telemetry by identity", () => {
    expect(settings).not.toHaveProperty("AzureWebJobsStorage");
    expect(settings.AzureWebJobsStorage__credential).toBe("managedidentity");
    for (const service of ["blob", "queue", "table"])
      expect(settings[`AzureWebJobsStorage__${service}ServiceUri`]).toContain("environment().suffixes.storage");
    expect(settings.APPLICATIONINSIGHTS_AUTHENTICATION_STRING).toContain("Authorization=AAD");
  });
});

describe("the sources that are allowed", () => {
  it.each(["public", "private-network", "abac"] as const)(
    "of set %s hold each registry it names to import from",
    (name) => {
      const { ALLOWED_SOURCES } = appSettings(readSnapshot(name));

      expect(ALLOWED_SOURCES).toMatch(/registries\/dev', '[\d-]+'\)\.loginServer/);
      expect(ALLOWED_SOURCES).not.toContain("registries/prod'");
    },
  );

  it("stay all public hosts where no list is given", () => {
    expect(appSettings(readSnapshot("existing-network"))).not.toHaveProperty("ALLOWED_SOURCES");
  });
});

const mostInstances = (name: ParameterSet) =>
  z
    .object({ scaleAndConcurrency: z.object({ maximumInstanceCount: z.number() }) })
    .parse(onlyOne(readSnapshot(name), "Microsoft.Web/sites").properties.functionAppConfig).scaleAndConcurrency
    .maximumInstanceCount;

describe("the limits of registries", () => {
  it("are divided by the few instances there can be", () => {
    expect(mostInstances("public")).toBe(4);
    expect(appSettings(readSnapshot("public")).LIMIT_SHARES).toBe("4");
  });

  it("are divided by fewer where a region asks for more instances than copy", () => {
    expect(mostInstances("private-network")).toBe(40);
    expect(appSettings(readSnapshot("private-network")).LIMIT_SHARES).toBe("8");
  });
});

describe("settings of the host", () => {
  it("are set as they are given", () => {
    expect(appSettings(readSnapshot("private-network"))).toMatchObject({
      AzureFunctionsJobHost__extensions__queues__maxPollingInterval: "00:00:10",
    });
  });
});

describe("the worker process", () => {
  const starting = ["languageWorkers__node__arguments", ...Object.keys(serviceEnvironment)];

  it("is the one that Azure has ready: arguments would end it at every start", () => {
    const settings = appSettings(readSnapshot("public"));

    expect(starting.filter((setting) => setting in settings)).toEqual([]);
  });

  it("is started as npm start starts it, where that is asked for", () => {
    expect(appSettings(readSnapshot("private-network"))).toMatchObject({
      ...serviceEnvironment,
      languageWorkers__node__arguments: serviceNodeFlags.join(" "),
    });
  });
});

it("takes secrets from the vault", () => {
  const { SECRETS_KEY, API_KEYS, HOOK_SECRETS, OTEL_EXPORTER_OTLP_HEADERS } = appSettings(readSnapshot("public"));

  for (const value of [SECRETS_KEY, API_KEYS, HOOK_SECRETS, OTEL_EXPORTER_OTLP_HEADERS])
    expect(value).toMatch(/^@Microsoft\.KeyVault\(VaultName=kv-drayage-\w+;SecretName=drayage-[a-z-]+\)$/);
});
