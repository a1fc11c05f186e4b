import { execFile } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { type CompiledTemplate, compileTemplate, parameterSets } from "../../scripts/infrastructure.ts";
import { settingNames } from "../../src/config.ts";
import { commandsOf } from "../helpers/document-commands.ts";
import { appSettings, needsBicep, readSnapshot, telemetrySettings } from "../helpers/infrastructure.ts";

const bicep = await needsBicep();

const typeSchema = z.object({ properties: z.record(z.string(), z.unknown()) });
const describedSchema = z.object({ metadata: z.object({ description: z.string() }).optional() });
const madeSchema = z.looseObject({ dependsOn: z.array(z.string()).default([]) });
const moduleSchema = z.object({
  properties: z.object({
    template: z.object({ languageVersion: z.string().optional(), resources: z.record(z.string(), madeSchema) }),
  }),
});
const templateSchema = z.object({
  definitions: z.object({ Settings: typeSchema, VaultSettings: typeSchema }),
  parameters: z.record(z.string(), describedSchema),
  outputs: z.record(z.string(), describedSchema),
  resources: z.object({
    app: z.object({ dependsOn: z.array(z.string()) }),
    endpoints: moduleSchema,
    keyVault: moduleSchema,
  }),
});

const anySchema = z.looseObject({ type: z.string() });
const resourcesSchema = z.object({ resources: z.union([z.array(anySchema), z.record(z.string(), anySchema)]) });
const deploymentSchema = z.object({ properties: z.object({ template: z.unknown() }) });

/** The resources of the template, and those of each template that is nested in it. */
function templatesIn(template: unknown): readonly (readonly z.infer<typeof anySchema>[])[] {
  const resources = Object.values(resourcesSchema.parse(template).resources);
  const nested = resources.filter(({ type }) => type === "Microsoft.Resources/deployments");
  return [resources, ...nested.flatMap((one) => templatesIn(deploymentSchema.parse(one).properties.template))];
}

/** What is not for an app that Azure gives an identity: a connection string, a name of the public cloud, what Kubernetes sets, a mounted file. */
const settingsElsewhere = [
  "AzureWebJobsStorage",
  "AzureWebJobsStorage__accountName",
  "AZURE_CLIENT_ID",
  "AZURE_TENANT_ID",
  "AZURE_FEDERATED_TOKEN_FILE",
  "REGISTRIES_FILE",
];

/** Roles that could give rights to others, or manage what they should only use. */
const mightyRoles = {
  Owner: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
  Contributor: "b24988ac-6180-42a0-ab88-20f7382dd24c",
  "User Access Administrator": "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
  "Role Based Access Control Administrator": "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
  "Storage Account Contributor": "17d1049b-9a84-46fb-8f53-869881c3d3ab",
  "Key Vault Administrator": "00482a5a-887f-4fb3-b363-3b7fe8e74483",
};

describe.runIf(bicep !== undefined)("infra/main.bicep", () => {
  let compiled: CompiledTemplate = { json: "", problems: [] };
  beforeAll(async () => {
    if (bicep !== undefined) compiled = await compileTemplate(bicep);
  }, 300_000);
  const template = () => templateSchema.parse(JSON.parse(compiled.json));

  it("compiles without a warning", () => {
    expect(compiled.problems).toEqual([]);
  });

  it("describes every parameter and output", () => {
    const { parameters, outputs } = template();
    const described = Object.entries({ ...parameters, ...outputs });

    expect(described.filter(([, { metadata }]) => metadata === undefined).map(([name]) => name)).toEqual([]);
  });

  it("sets each setting that the app reads, or takes it as a parameter, and knows no other one", () => {
    const { Settings, VaultSettings } = template().definitions;
    const set = parameterSets.flatMap((name) => Object.keys(appSettings(readSnapshot(name))));
    const parameters = [...Object.keys(Settings.properties), ...Object.keys(VaultSettings.properties)];
    const read: readonly string[] = [...settingNames, ...telemetrySettings];
    const inAzure = read.filter((name) => !settingsElsewhere.includes(name));

    expect(inAzure.filter((name) => !set.includes(name) && !parameters.includes(name))).toEqual([]);
    expect(parameters.filter((name) => !read.includes(name))).toEqual([]);
  });

  it.each([
    ...["SECRETS_KEY", "API_KEYS", "HOOK_SECRETS", "EVENT_SINKS", "REGISTRIES", "HTTPS_PROXY", "HTTP_PROXY"],
    "OTEL_EXPORTER_OTLP_HEADERS",
  ])("takes %s, which may hold secrets, from the vault only", (name) => {
    const { Settings, VaultSettings } = template().definitions;

    expect(Settings.properties).not.toHaveProperty(name);
    expect(VaultSettings.properties).toHaveProperty(name);
  });

  it("makes the app when its secrets can be read: a reference that leads nowhere yet is passed on as text", () => {
    expect(template().resources.app.dependsOn).toEqual(expect.arrayContaining(["keyVault", "endpoints"]));
  });

  it("makes private endpoints one after another: a storage account takes one at a time", () => {
    const { storage, vault, registries } = template().resources.endpoints.properties.template.resources;

    expect([storage?.copy, registries?.copy]).toMatchObject(Array(2).fill({ mode: "serial", batchSize: 1 }));
    expect(vault?.dependsOn).toContain("storage");
    expect(registries?.dependsOn).toContain("vault");
  });

  it("makes a key that seals once, and never another one in its place", () => {
    const { languageVersion, resources } = template().resources.keyVault.properties.template;
    const made = Object.values(resources).filter((resource) => JSON.stringify(resource).includes("keySeed"));

    expect(made).toMatchObject([
      {
        "@options": { onlyIfNotExists: expect.anything() },
        condition:
          "[and(empty(parameters('secretsKey')), empty(tryGet(parameters('secretValues'), parameters('sealingKeyName'))))]",
        properties: { value: "[base64(replace(parameters('keySeed'), '-', ''))]" },
      },
    ]);
    expect(languageVersion).toBe("2.0"); // else Azure refuses the option
  });

  // Source: Azure/bicep#11290, and #16801 for resources that are there already.
  it("names a resource once in each template: Azure refuses the second, or ignores it whatever its condition says", () => {
    const templates = templatesIn(JSON.parse(compiled.json));
    const twice = templates.flatMap((resources) => {
      const names = resources.map(({ type, scope, name }) => JSON.stringify([type, scope, name]));
      return names.filter((name, at) => names.indexOf(name) !== at);
    });

    expect(templates.length).toBeGreaterThan(10);
    expect(twice).toEqual([]);
  });

  it("asks by default for no events: what is pushed to the one target there is may not be imported from it", async () => {
    const registries = await registriesByDefault();

    expect(registries).toMatchObject([{ access: "push" }]);
    expect(registries[0]).not.toHaveProperty("events");
  });

  it.each([
    ["AbacRepositoryPermissions", "abac"],
    ["LegacyRegistryPermissions", "rbac"],
    ["", "rbac"],
  ])("takes the mode of the registry as az acr show says it: %s", async (said, mode) => {
    vi.stubEnv("DRAYAGE_REGISTRY_MODE", said);
    onTestFinished(() => void vi.unstubAllEnvs());

    expect(await registriesByDefault()).toMatchObject([{ mode }]);
  });

  /** The registries of infra/main.bicepparam. */
  async function registriesByDefault(): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const run = await bicep?.("build-params", "infra/main.bicepparam", "--stdout");
    const { parametersJson } = z.object({ parametersJson: z.string() }).parse(JSON.parse(run?.output ?? ""));
    const { parameters } = z
      .object({ parameters: z.object({ registries: z.object({ value: z.array(z.record(z.string(), z.unknown())) }) }) })
      .parse(JSON.parse(parametersJson));
    return parameters.registries.value;
  }

  it.each(Object.entries(mightyRoles))("never assigns %s", (_name, id) => {
    expect(compiled.json).not.toContain(id);
  });

  it("asks Azure for no key", () => {
    expect(compiled.json).not.toMatch(/\blist(Keys|AccountSas|ServiceSas|Secrets)?\(/i);
  });

  it("has no remote module", () => {
    const files = globSync("infra/**/*.bicep").map((path) => readFileSync(path, "utf8"));

    expect(files.join("\n")).not.toMatch(/^module \w+ '(br|ts)[:/]/m);
  });

  it("deploys what the snapshots of the parameter sets say: npm run infra:check says so, as its document shows", async () => {
    const shown = commandsOf("infra/README.md").find(({ text }) => text === "npm run infra:check")?.shown;

    const { stdout } = await promisify(execFile)("npm", ["run", "--silent", "infra:check"]); // rejects with what differs

    expect(stdout.trim()).toBe(shown);
  });
});

describe.runIf(bicep !== undefined)("a deployment", () => {
  const directory = mkdtempSync("infra/.test-");
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const registryId = `/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/registries/providers/Microsoft.ContainerRegistry/registries/prod`;

  /** What deploying `using` with these parameters would do, without Azure. */
  const predict = async (what: string, using: string, parameters: Readonly<Record<string, string>>) => {
    const path = join(directory, `${what.replaceAll(" ", "-")}.bicepparam`);
    const lines = Object.entries(parameters).map(([name, value]) => `param ${name} = ${value}\n`);
    writeFileSync(path, `using '../${using}'\n${lines.join("")}`);
    const place = ["--subscription-id", "00000000-0000-0000-0000-000000000001", "--resource-group", "registries"];
    const run = await bicep?.("snapshot", path, ...place, "--location", "westeurope");
    return { exitCode: run?.exitCode, text: `${run?.output}${run?.diagnostics}`, path };
  };

  it.each([
    ["a quote in a repository", "abac", "x\\' OR \\'1", "neither a repository"],
    ["a prefix that ends inside a name", "abac", "team*", "neither a repository"],
    ["repositories where conditions are ignored", "rbac", "team/*", "need mode abac"],
  ])("refuses %s", async (what, mode, repository, message) => {
    const { exitCode, text } = await predict(what, "modules/registry-access.bicep", {
      registry: `{ resourceId: '${registryId}', access: 'push', mode: '${mode}', repositories: ['${repository}'] }`,
      identityId: "'id'",
      principalId: "'principal'",
    });

    expect(exitCode).not.toBe(0);
    expect(text).toContain(message);
  });

  it.each([
    ["a private endpoint without a network", "drayage", "true", "needs a network of kind new or existing"],
    ["a name with capitals", "Drayage", "false", "name: Drayage"],
    ["a name that ends in a hyphen", "drayage-", "false", "name: drayage-"],
  ])("refuses %s", async (what, name, privateEndpoint, message) => {
    const { exitCode, text } = await predict(what, "main.bicep", {
      name: `'${name}'`,
      registries: `[{ resourceId: '${registryId}', access: 'push', mode: 'rbac', privateEndpoint: ${privateEndpoint} }]`,
    });

    expect(exitCode).not.toBe(0);
    expect(text).toContain(message);
  });

  const written = (path: string) => readFileSync(path.replace(/bicepparam$/, "snapshot.json"), "utf8");

  it("sets what the host and libraries read, but nothing in place of what Drayage sets", async () => {
    const {
      exitCode,
      text: output,
      path,
    } = await predict("host settings", "main.bicep", {
      registries: `[{ resourceId: '${registryId}', access: 'push', mode: 'rbac' }]`,
      hostSettings: "{ NODE_EXTRA_CA_CERTS: '/ca.pem', LIMIT_SHARES: '99', SECRETS_KEY: 'mine' }",
      hostVaultSettings: "{ AWS_SECRET_ACCESS_KEY: 'drayage-aws' }",
    });

    expect(exitCode, output).toBe(0);
    const text = written(path);
    expect(text).toContain('"NODE_EXTRA_CA_CERTS": "/ca.pem"');
    expect(text).toMatch(
      /"AWS_SECRET_ACCESS_KEY": "@Microsoft\.KeyVault\(VaultName=kv-drayage-\w+;SecretName=drayage-aws\)"/,
    );
    expect(text).toContain('"LIMIT_SHARES": "4"');
    expect(text).not.toContain('"mine"');
  });

  it("allows as sources what other registries name, beside the list that is given", async () => {
    const { exitCode, text, path } = await predict("sources", "main.bicep", {
      registries: "[]",
      otherRegistries:
        "[{ host: 'docker.io', auth: { kind: 'anonymous' } }, { host: '*.partner.example', auth: { kind: 'anonymous' } }]",
      settings: "{ ALLOWED_SOURCES: 'docker.io,quay.io' }",
    });

    expect(exitCode, text).toBe(0);
    expect(written(path)).toContain('"ALLOWED_SOURCES": "docker.io,quay.io,*.partner.example"');
  });

  it("leaves the list of registries to registries.yaml in the package, where it is given none", async () => {
    const { exitCode, text, path } = await predict("no registries", "main.bicep", { registries: "[]" });

    expect(exitCode, text).toBe(0);
    expect(written(path)).toContain('"REGISTRIES": ""'); // counts as not set: with another value the app would not start
    expect(written(path)).toContain('"DEFAULT_TARGET": ""');
  });

  it("asks for a topic of its own at a registry: two that are named alike would be one, taken over in silence", async () => {
    const topics = await Promise.all(["first", "second"].map((suffix) => predictTopic("prod", suffix)));

    expect(new Set(topics).size).toBe(2);
  });

  it("names the topic of a registry with a long name within the 50 characters that Event Grid takes", async () => {
    const name = await predictTopic("r".repeat(50), "abcdefghijklm");

    expect(name).toMatch(/^evgt-r{31}-[a-z0-9]{13}$/);
    expect(name.length).toBeLessThanOrEqual(50);
  });

  /** The name of the topic that the deployment with this suffix makes for the registry. */
  async function predictTopic(registryName: string, suffix: string): Promise<string> {
    const { exitCode, text, path } = await predict(`topic ${suffix}`, "modules/registry-events.bicep", {
      registry: `{ resourceId: '${registryId.replace(/prod$/, registryName)}', access: 'pull', mode: 'rbac', events: {} }`,
      location: "'westeurope'",
      suffix: `'${suffix}'`,
      tags: "{}",
      functionId: "'function'",
      identityId: "'id'",
      storageAccountId: "'account'",
      deadLetterContainer: "'dead-letters'",
      maxDeliveryAttempts: "30",
      timeToLiveMinutes: "1440",
      workspaceId: "'workspace'",
    });
    if (exitCode !== 0) throw new Error(text);
    return /"evgt-[^"/]*"/.exec(written(path))?.[0].slice(1, -1) ?? "";
  }
});
