import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { assertNoPasswords } from "../../../scripts/no-passwords.ts";

const thrownFor = (yaml: string) => {
  try {
    assertNoPasswords(yaml);
  } catch (thrown) {
    return String(thrown);
  }
  return undefined;
};

describe("a registries.yaml for the package", () => {
  it("is refused with passwords in it, by the names of their entries and without them", () => {
    const refused = thrownFor(`
- host: prod.azurecr.io
  auth: { kind: entra }
- host: r.example
  auth: { kind: password, username: u, password: hunter2 }
- host: 123456789012.dkr.ecr.eu-west-1.amazonaws.com
  auth: { kind: ecr, username: key, password: 12345 }
`);

    expect(refused).toContain("entry 2 (r.example), entry 3 (123456789012.dkr.ecr.eu-west-1.amazonaws.com)");
    expect(refused).toContain("Key Vault");
    expect(refused).not.toMatch(/hunter2|12345[^6]/);
  });

  it.each(["", "[]", "- host: r.example\n  auth: { kind: password, username: u, secret: r-password }"])(
    "is taken as %j",
    (yaml) => {
      expect(thrownFor(yaml)).toBeUndefined();
    },
  );

  it("shows nothing of what stands there when it cannot be read", () => {
    for (const yaml of ['- auth: { password: "hunter2', "hunter2", "- hunter2"])
      expect(thrownFor(yaml)).not.toContain("hunter2");
  });

  it("ends npm run package with the reason alone", async () => {
    const directory = await mkdtemp(join(tmpdir(), "no-passwords-"));
    await writeFile(join(directory, "registries.yaml"), "- host: r.example\n  auth: { password: hunter2 }\n");
    const script = fileURLToPath(new URL("../../../scripts/package.ts", import.meta.url));

    const { status, stderr } = spawnSync(process.execPath, [script], { cwd: directory, encoding: "utf8" });
    await rm(directory, { recursive: true });

    expect(stderr).toMatch(/^registries\.yaml would go into the package .*\n$/);
    expect(status).toBe(1);
  });
});
