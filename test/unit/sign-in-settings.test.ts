import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ConfigError, parseConfig } from "../../src/config.ts";
import { assertAllowedSecret } from "../../src/domain/source-secrets.ts";
import { withRegistriesFile } from "../../src/sign-in-settings.ts";
import { aRecord } from "../helpers/import-records.ts";

const storage = { AzureWebJobsStorage: "UseDevelopmentStorage=true" };
const vault = { KEY_VAULT_URL: "https://drayage.vault.azure.net/" };

function problemsOf(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  try {
    parseConfig({ ...storage, ...env });
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems;
    throw thrown;
  }
  return [];
}

describe("registries.yaml", () => {
  const yaml = `
- host: prod.azurecr.io
  auth: { kind: entra }
- host: r.example
  auth: { kind: password, username: u, password: hunter2 }
`;

  it("is read as the setting REGISTRIES is, where it lies beside the app", async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), "sign-in-"));
    const before = withRegistriesFile(storage, directory.path);
    await writeFile(join(directory.path, "registries.yaml"), yaml);

    const { registries } = parseConfig(withRegistriesFile(storage, directory.path));

    expect(before).toEqual(storage);
    expect(registries.exactHosts).toEqual(["prod.azurecr.io", "r.example"]);
    expect(registries.signInAt("r.example", undefined)).toEqual({
      ...{ kind: "password", username: "u", password: "hunter2" },
    });
  });

  it("excludes the setting, and names entry or line at fault without what stands there", async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), "sign-in-"));
    const file = async (name: string, text: string) => {
      const path = join(directory.path, name);
      await writeFile(path, text);
      return path;
    };
    const [good, bad, wrong] = [
      await file("good.yaml", yaml),
      await file("bad.yaml", '- host: a\n  auth: { password: "hunter2\n'),
      await file("wrong.yaml", "- host: a.example\n  auth: { kind: magic, password: hunter2 }\n"),
    ];

    const set = '[{"host":"a.example","auth":{"kind":"anonymous"}}]';
    expect(problemsOf({ REGISTRIES_FILE: good, REGISTRIES: set })).toEqual([
      `REGISTRIES: is set in the environment, local.settings.json or the app's settings in Azure, and ${good} is there: keep one of the two`,
    ]);
    for (const empty of ["[]", " [ ] ", ""])
      expect(parseConfig({ ...storage, REGISTRIES_FILE: good, REGISTRIES: empty }).registries.exactHosts).toHaveLength(
        2,
      );
    expect(problemsOf({ REGISTRIES_FILE: "/not/there" })).toEqual(["REGISTRIES_FILE: /not/there cannot be read"]);
    const faults = [problemsOf({ REGISTRIES_FILE: bad }).join(), problemsOf({ REGISTRIES_FILE: wrong }).join()];
    expect(faults[0]).toContain(`${bad} is no YAML: see line `);
    expect(faults[1]).toContain("entry 1 (a.example): auth kind");
    expect(faults.join()).not.toContain("hunter2");
  });
});

describe("secrets of the key vault", () => {
  it("need to be told which vault", () => {
    const auth = { kind: "password", username: "u", secret: "hub" };
    const REGISTRIES = JSON.stringify([{ host: "r.example", auth }]);

    expect(problemsOf({ REGISTRIES, SOURCE_SECRETS: "hub@r.example" })).toEqual([
      "REGISTRIES: auth secret needs KEY_VAULT_URL",
      "SOURCE_SECRETS: needs KEY_VAULT_URL",
    ]);
    expect(problemsOf({ ...vault, REGISTRIES, SOURCE_SECRETS: "hub@r.example" })).toEqual([]);
    expect(problemsOf({ KEY_VAULT_URL: "http://v", SOURCE_SECRETS: "hub" })).toHaveLength(2);
  });

  it("are for the hosts that the operator pairs them with, whoever asks", () => {
    const { signIn } = parseConfig({ ...storage, ...vault, SOURCE_SECRETS: "hub@docker.io,team@*.team.example" });
    const { spec } = aRecord();
    const check = (registry: string, secret?: string) => () =>
      assertAllowedSecret(
        { ...spec, source: { ...spec.source, registry }, ...(secret && { sourceSecret: { secret } }) },
        signIn.sourceSecrets,
      );

    for (const allowed of [check("docker.io", "hub"), check("r.team.example", "team"), check("evil.example")])
      expect(allowed).not.toThrow();
    for (const refused of [check("evil.example", "hub"), check("docker.io", "team"), check("docker.io", "other")])
      expect(refused).toThrow(/is not for this registry; the operator can add/);
  });
});

describe("the app's identity", () => {
  it("is a workload identity only where all three variables are there", () => {
    const env = { AZURE_CLIENT_ID: "c", AZURE_TENANT_ID: "t", AZURE_FEDERATED_TOKEN_FILE: "/token" };
    const { AZURE_TENANT_ID: _, ...incomplete } = env;

    expect(parseConfig({ ...storage, ...env }).signIn).toMatchObject({
      workloadIdentity: { clientId: "c", tenantId: "t", tokenFilePath: "/token" },
    });
    expect(parseConfig({ ...storage, ...incomplete }).signIn).toMatchObject({
      ...{ clientId: "c", workloadIdentity: undefined },
    });
  });
});
