import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

/*
 * What azd does with the service: npm install and npm run build in its folder, after the hooks, then a zip of `dist`.
 * Source: Azure/azure-dev, cli/azd/pkg/project: framework_service_node.go, service_target_functionapp.go.
 */
const serviceSchema = z.object({
  project: z.string(),
  host: z.literal("function"),
  language: z.literal("js"),
  dist: z.string(),
  remoteBuild: z.boolean(),
});
const { services } = z
  .object({ services: z.record(z.string(), serviceSchema) })
  .parse(parse(readFileSync("azure.yaml", "utf8")));
const service = serviceSchema.parse(services.drayage);

function scriptsOf(folder: string): Readonly<Record<string, string>> {
  const packageJson: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return z.object({ scripts: z.record(z.string(), z.string()) }).parse(packageJson).scripts;
}

describe("azd", () => {
  it("makes the package, and nothing else", async () => {
    const programs = await mkdtemp(join(tmpdir(), "drayage-azd-"));
    await writeFile(join(programs, "npm"), '#!/bin/sh\necho "$PWD: npm $*"\n');
    await chmod(join(programs, "npm"), 0o755);
    const { build = "" } = scriptsOf(service.project);

    const ran = execFileSync("sh", ["-c", build], {
      cwd: service.project,
      env: { ...process.env, PATH: `${programs}${delimiter}${process.env.PATH}` },
      encoding: "utf8",
    });
    await rm(programs, { recursive: true });

    expect(ran.trim().split("\n")).toEqual([`${resolve(".")}: npm ci`, `${resolve(".")}: npm run package`]);
  });

  it("deploys the folder that npm run package writes", () => {
    expect(resolve(service.project, service.dist)).toBe(resolve("dist/package"));
  });

  it("finds no .funcignore that leaves out node_modules, beside which it refuses to build here", () => {
    expect(service.remoteBuild).toBe(false);
    expect(existsSync(join(service.project, ".funcignore"))).toBe(false);
  });

  it("finds the app by the name of the service", () => {
    expect(Object.keys(services)).toEqual(["drayage"]);
    expect(readFileSync("infra/modules/function-app.bicep", "utf8")).toContain("'azd-service-name': 'drayage'");
  });
});

it("npm run package makes the command line client too", () => {
  expect(scriptsOf(".").package?.split(" && ")).toEqual([scriptsOf(".").build, "node scripts/package.ts"]);
});
