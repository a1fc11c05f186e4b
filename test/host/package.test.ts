import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createRequire, isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { measureStart } from "../../scripts/measure-start.ts";
import { type AppPackage, packageApp } from "../../scripts/package-app.ts";
import { image } from "../helpers/images.ts";
import { needs } from "../helpers/needs.ts";
import { type Api, startApi } from "./api-support/start-api.ts";

const buildTimeoutMs = 300_000; // it builds the app and the page

describe.runIf(needs("unzip"))("the deployment package", () => {
  let directory: string;
  let unpacked: string;
  let built: AppPackage;
  let api: Api;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "drayage-package-"));
    built = await packageApp(directory);
    unpacked = join(directory, "unpacked");
    execFileSync("unzip", ["-q", built.zipPath, "-d", unpacked]); // checks the sums, and is not our own
    api = await startApi({ appDirectory: unpacked });
  }, buildTimeoutMs);
  afterAll(async () => {
    await api[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  it("imports an image on a host that has nothing but the package", async () => {
    const { root } = await api.source.seedImage("team/app", "1", image({ layers: [1_000] }));

    const record = await api.importAndWait({ source: `${api.source.host}/team/app:1` });

    expect(record).toMatchObject({ state: "Succeeded" });
    expect(api.target.tags("team/app")).toEqual({ 1: root.digest });
  });

  it("serves the dashboard", async () => {
    const response = await api.get("/");

    expect(response.status).toBe(200);
    expect(await response.text()).toContain("<title>");
  });

  it("brings host.json as it is: rules count lines of the log that its sampling leaves alone", async () => {
    expect(await readFile(join(unpacked, "host.json"), "utf8")).toBe(await readFile("host.json", "utf8"));
  });

  it("requires no file that is not in it", async () => {
    const scripts = built.files.filter((path) => path.endsWith(".cjs"));
    const required = await Promise.all(
      scripts.map(async (path) => {
        const text = await readFile(join(unpacked, path), "utf8");
        const names = [...text.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name = ""]) => name);
        return names.map((name) => (name.startsWith(".") ? join(dirname(path), name) : name));
      }),
    );
    const isThere = (name: string) =>
      isBuiltin(name) ||
      name === "@azure/functions-core" || // the worker has it
      name === "@aws-sdk/signature-v4-crt" || // for signatures that no registry asks for
      built.files.includes(name);

    expect([...new Set(required.flat())].filter((name) => !isThere(name))).toEqual([]);
  });

  it("reads nothing but the app at a start, and the clients that functions need and the SDK of telemetry before the first of them runs", () => {
    const { loaded, prepared } = measureStart(join(unpacked, "dist/app.cjs"), 1);

    expect(loaded).toEqual(["app.cjs"]);
    expect(prepared).toEqual(["telemetry-sdk.cjs", "azure-clients.cjs", "undici.cjs"]);
  });

  it.each([
    ["@aws-sdk/client-ecr", "aws-sdk-client-ecr", "ECRClient"],
    ["@azure/arm-containerregistry", "azure-arm-containerregistry", "ContainerRegistryManagementClient"],
    ["@azure/eventgrid", "azure-eventgrid", "EventGridPublisherClient"],
    ["@azure/identity", "azure-identity", "ManagedIdentityCredential"],
    ["@azure/keyvault-secrets", "azure-keyvault-secrets", "SecretClient"],
    ["google-auth-library", "google-auth-library", "GoogleAuth"],
    ["the SDK of telemetry", "telemetry-sdk", "startTelemetrySdk"],
    ["clients of storage", "azure-clients", "TableClient"],
    ["what moves bytes", "undici", "Agent"],
    ["what talks to the durable extension", "axios", "default"],
    ["durations", "moment", "duration"],
    ["a reader of YAML", "yaml", "parse"],
    ["a check of URLs", "validator", "isURL"],
  ])("has %s for when it is needed", (_library, file, name) => {
    expect(createRequire(join(unpacked, "dist/app.cjs"))(`./libraries/${file}.cjs`)).toHaveProperty(name);
  });

  it("holds no development code, no source map and no tests", async () => {
    expect(built.modules.filter((path) => /^(src\/(local|cli)|test|bench|scripts)\//.test(path))).toEqual([]);
    expect(built.files.filter((path) => !/^(dist\/|host\.json$|package\.json$|registries\.yaml$)/.test(path))).toEqual(
      [],
    );
    expect(built.files.filter((path) => path.endsWith(".map"))).toEqual([]);
    expect(JSON.parse(await readFile(join(unpacked, "package.json"), "utf8"))).not.toHaveProperty("devDependencies");
  });
});

it(".funcignore leaves out every file at the top that is no part of the package", async () => {
  const ignored = (await readFile(".funcignore", "utf8")).split("\n").filter((line) => line !== "");
  const isIgnored = (name: string) =>
    ignored.some((pattern) =>
      pattern.startsWith("*")
        ? name.endsWith(pattern.slice(1))
        : pattern === ".*"
          ? name.startsWith(".")
          : pattern.replace(/\/$/, "") === name,
    );
  const kept = (await readdir(".")).filter((name) => !isIgnored(name));

  expect(kept.filter((name) => name !== "registries.yaml").sort()).toEqual(["dist", "host.json", "package.json"]);
});
