import { execFile } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type CompiledTemplate, compileTemplate, parameterSets } from "../../scripts/infrastructure.ts";
import { settingNames } from "../../src/config.ts";
import { commandsOf } from "../helpers/document-commands.ts";
import { appSettings, needsBicep, readSnapshot, telemetrySettings } from "../helpers/infrastructure.ts";

const bicep = await needsBicep();

const typeSchema = z.object({ properties: z.record(z.string(), z.unknown()) });
const describedSchema = z.object({ metadata: z.object({ description: z.string() }).optional() });
const templateSchema = z.object({
  definitions: z.object({ Settings: typeSchema, VaultSettings: typeSchema }),
  parameters: z.record(z.string(), describedSchema),
  outputs: z.record(z.string(), describedSchema),
  resources: z.object({ app: z.object({ dependsOn: z.array(z.string()) }) }),
});

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

describe.runIf(bicep !== undefined)("a parameter that cannot be meant so", () => {
  const directory = mkdtempSync("infra/.test-");
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const registryId = `/subscriptions/${"1".repeat(36)}/resourceGroups/registries/providers/Microsoft.ContainerRegistry/registries/prod`;

  /** What deploying `using` with these parameters would do, without Azure. */
  const predict = async (what: string, using: string, parameters: Readonly<Record<string, string>>) => {
    const path = join(directory, `${what.replaceAll(" ", "-")}.bicepparam`);
    const lines = Object.entries(parameters).map(([name, value]) => `param ${name} = ${value}\n`);
    writeFileSync(path, `using '../${using}'\n${lines.join("")}`);
    const run = await bicep?.("snapshot", path, "--resource-group", "registries", "--location", "westeurope");
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

  it("names the topic of a registry with a long name within the 50 characters that Event Grid takes", async () => {
    const long = registryId.replace(/prod$/, "r".repeat(50));
    const { exitCode, path } = await predict("long name", "modules/registry-events.bicep", {
      registry: `{ resourceId: '${long}', access: 'pull', mode: 'rbac', events: {} }`,
      location: "'westeurope'",
      tags: "{}",
      functionId: "'function'",
      identityId: "'id'",
      storageAccountId: "'account'",
      deadLetterContainer: "'dead-letters'",
      maxDeliveryAttempts: "30",
      timeToLiveMinutes: "1440",
      workspaceId: "'workspace'",
    });

    expect(exitCode).toBe(0);
    const written = readFileSync(path.replace(/bicepparam$/, "snapshot.json"), "utf8");
    const name = /"evgt-[^"]*"/.exec(written)?.[0].slice(1, -1) ?? "";
    expect(name).toMatch(/^evgt-r{31}-[a-z0-9]{13}$/);
    expect(name.length).toBeLessThanOrEqual(50);
  });
});
