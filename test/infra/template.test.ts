import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import {
  type CompiledTemplate,
  compareSnapshots,
  compileTemplate,
  parameterSets,
} from "../../scripts/infrastructure.ts";
import { settingNames } from "../../src/config.ts";
import { appSettings, needsBicep, readSnapshot } from "../helpers/infrastructure.ts";

const bicep = await needsBicep();

const typeSchema = z.object({ properties: z.record(z.string(), z.unknown()) });
const describedSchema = z.object({ metadata: z.object({ description: z.string() }).optional() });
const templateSchema = z.object({
  definitions: z.object({ Settings: typeSchema, VaultSettings: typeSchema }),
  parameters: z.record(z.string(), describedSchema),
  outputs: z.record(z.string(), describedSchema),
});

/** What is not for an app that Azure gives an identity: a connection string, what Kubernetes sets, a mounted file. */
const settingsElsewhere = [
  "AzureWebJobsStorage",
  "AZURE_CLIENT_ID",
  "AZURE_TENANT_ID",
  "AZURE_FEDERATED_TOKEN_FILE",
  "REGISTRIES_FILE",
];

/** Roles that could give rights to others, or manage what they should only use. */
const mightyRoles = {
  Owner: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
  Contributor: "b24988ac-6180-42a0-ab88-20f7382d24dd",
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
    const inAzure = settingNames.filter((name) => !settingsElsewhere.includes(name));

    expect(inAzure.filter((name) => !set.includes(name) && !parameters.includes(name))).toEqual([]);
    expect(parameters.filter((name) => !settingNames.includes(name))).toEqual([]);
  });

  it.each(["SECRETS_KEY", "API_KEYS", "HOOK_SECRETS", "EVENT_SINKS", "REGISTRIES", "HTTPS_PROXY", "HTTP_PROXY"])(
    "takes %s, which may hold secrets, from the vault only",
    (name) => {
      const { Settings, VaultSettings } = template().definitions;

      expect(Settings.properties).not.toHaveProperty(name);
      expect(VaultSettings.properties).toHaveProperty(name);
    },
  );

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

  it("deploys what the snapshots of the parameter sets say", async () => {
    expect(bicep === undefined ? [] : await compareSnapshots(bicep)).toEqual([]);
  });
});

describe.runIf(bicep !== undefined)("a parameter that would open too much", () => {
  const directory = mkdtempSync("infra/.test-");
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.each([
    ["a quote in a repository", "abac", "x\\' OR \\'1", "neither a repository"],
    ["a prefix that ends inside a name", "abac", "team*", "neither a repository"],
    ["repositories where conditions are ignored", "rbac", "team/*", "need mode abac"],
  ])("refuses %s", async (what, mode, repository, message) => {
    const path = join(directory, `${what.replaceAll(" ", "-")}.bicepparam`);
    const registryId = `/subscriptions/${"1".repeat(36)}/resourceGroups/registries/providers/Microsoft.ContainerRegistry/registries/prod`;
    const registry = `{ resourceId: '${registryId}', access: 'push', mode: '${mode}', repositories: ['${repository}'] }`;
    writeFileSync(
      path,
      `using '../modules/registry-access.bicep'\nparam registry = ${registry}\nparam identityId = 'id'\nparam principalId = 'principal'\n`,
    );

    const run = await bicep?.("snapshot", path, "--resource-group", "registries");

    expect(run?.exitCode).not.toBe(0);
    expect(`${run?.output}${run?.diagnostics}`).toContain(message);
  });
});
