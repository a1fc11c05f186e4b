import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parameterSets } from "../../scripts/infrastructure.ts";
import { type PredictedResource, readSnapshot } from "../helpers/infrastructure.ts";

const roles: Readonly<Record<string, string>> = {
  "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
  "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
  "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
  "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
  "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
  "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
  "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
  "8311e382-0749-4cb8-b61a-304f252e45ec": "AcrPush",
  "b93aa761-3e63-49ed-ac28-beffa264f7ac": "Container Registry Repository Reader",
  "2a1e307c-b015-4ebd-883e-5b7698a07328": "Container Registry Repository Writer",
  "bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7": "Container Registry Repository Catalog Lister",
  "577a9874-89fd-4f24-9dbd-b5034d0ad23a": "Container Registry Data Importer and Data Reader",
};

const assignmentSchema = z.object({
  roleDefinitionId: z.string(),
  principalId: z.string(),
  condition: z.string().nullish(),
  conditionVersion: z.string().nullish(),
});

/** Who may do what where: `identity: role at type/name`. */
function assignments(resources: readonly PredictedResource[]) {
  return resources
    .filter(({ type }) => type === "Microsoft.Authorization/roleAssignments")
    .map(({ id, properties }) => {
      const { roleDefinitionId, principalId, condition, conditionVersion } = assignmentSchema.parse(properties);
      const scope = id.split("/providers/Microsoft.Authorization/")[0] ?? "";
      return {
        at: scope.split("/").slice(-2).join("/"),
        role: roles[roleDefinitionId.split("/").at(-1) ?? ""] ?? roleDefinitionId,
        who: principalId.includes("-events'") ? "events" : "app",
        condition: condition ?? undefined,
        conditionVersion: conditionVersion ?? undefined,
      };
    });
}

const brief = (resources: readonly PredictedResource[]) =>
  assignments(resources).map(({ who, role, at }) => `${who}: ${role} at ${at.replace(/[a-z0-9]{13}$/, "…")}`);

const own = [
  "app: Monitoring Metrics Publisher at components/appi-drayage-…",
  "app: Storage Blob Data Owner at storageAccounts/stdrayage…",
  "app: Storage Queue Data Contributor at storageAccounts/stdrayage…",
  "app: Storage Table Data Contributor at storageAccounts/stdrayage…",
  "app: Key Vault Secrets User at vaults/kv-drayage-…",
];

describe("roles", () => {
  it("lets the app push to one registry, pull from another, and events write dead letters only", () => {
    expect(brief(readSnapshot("public")).sort()).toEqual(
      [
        ...own,
        "events: Storage Blob Data Contributor at containers/dead-letters",
        "app: AcrPush at registries/prod",
        "app: Container Registry Data Importer and Data Reader at registries/prod",
        "app: AcrPull at registries/dev",
      ].sort(),
    );
  });

  it("gives at ABAC registries the roles that count there, and those of no other mode", () => {
    expect(brief(readSnapshot("abac")).sort()).toEqual(
      [
        ...own,
        "app: Container Registry Repository Writer at registries/prod",
        "app: Container Registry Repository Reader at registries/dev",
        "app: Container Registry Repository Catalog Lister at registries/dev",
      ].sort(),
    );
  });

  it("holds the writer to the named repositories and prefixes, for reads and writes", () => {
    const writer = assignments(readSnapshot("abac")).find(({ role }) => role.endsWith("Repository Writer"));

    const action = (name: string) => `!(ActionMatches{'Microsoft.ContainerRegistry/registries/repositories/${name}'})`;
    const name = "@Request[Microsoft.ContainerRegistry/registries/repositories:name]";
    expect(writer).toMatchObject({
      conditionVersion: "2.0",
      condition:
        `((${["content/read", "metadata/read", "content/write", "metadata/write"].map(action).join(" AND ")})` +
        ` OR (${name} StringStartsWithIgnoreCase 'mirror/' OR ${name} StringEqualsIgnoreCase 'base/alpine'))`,
    });
  });

  it("holds the reader to its prefix", () => {
    const reader = assignments(readSnapshot("abac")).find(({ role }) => role.endsWith("Repository Reader"));

    expect(reader?.condition).toContain("StringStartsWithIgnoreCase 'team/'");
    expect(reader?.condition).not.toContain("write");
  });

  it.each(parameterSets)("assigns no role twice and none beyond the list (%s)", (name) => {
    const all = brief(readSnapshot(name));

    expect(all.filter((line) => !Object.values(roles).some((role) => line.includes(role)))).toEqual([]);
    expect(new Set(all).size).toBe(all.length);
  });
});

describe("the role of a deployer at a registry's resource group", () => {
  const { Actions } = z
    .object({ Actions: z.array(z.string()) })
    .parse(JSON.parse(readFileSync("infra/registry-deployer.json", "utf8")));

  it("may write whatever is deployed there, role assignments apart", () => {
    const written = parameterSets
      .flatMap((name) => readSnapshot(name))
      .filter(({ id }) => id.includes("/resourceGroups/registries/"))
      .map(({ type }) => type);

    const types = new Set([...written, "Microsoft.Resources/deployments"]);
    types.delete("Microsoft.Authorization/roleAssignments");
    const isGranted = (type: string) => Actions.includes(`${type}/write`) || Actions.includes(`${type}/*`);
    expect([...types].sort()).toEqual([
      "Microsoft.EventGrid/systemTopics",
      "Microsoft.EventGrid/systemTopics/eventSubscriptions",
      "Microsoft.Insights/diagnosticSettings",
      "Microsoft.Resources/deployments",
    ]);
    expect([...types].filter((type) => !isGranted(type))).toEqual([]);
  });

  it("may approve private endpoints, and may give rights to nobody", () => {
    expect(Actions).toContain("Microsoft.ContainerRegistry/registries/privateEndpointConnectionsApproval/action");
    expect(Actions.filter((action) => action === "*" || action.startsWith("Microsoft.Authorization/"))).toEqual([]);
  });
});
