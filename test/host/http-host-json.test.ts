import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readHostConfig, readLocalSettings } from "../../src/local/functions-host/host-json.ts";
import { parseTimeSpan } from "../../src/local/functions-host/time-span.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "host-json-"));
});
afterEach(() => rm(directory, { recursive: true }));

const write = (name: string, content: object) => writeFile(join(directory, name), JSON.stringify(content));

describe("host.json", () => {
  it("has the genuine host's defaults", async () => {
    await write("host.json", { version: "2.0" });

    expect(await readHostConfig(directory, {})).toEqual({
      functionTimeoutMs: 1_800_000,
      routePrefix: "api",
      queues: {
        batchSize: 16,
        newBatchThreshold: 8,
        maxDequeueCount: 5,
        maxPollingInterval: 2_000, // what the host uses in development
        visibilityTimeout: 0,
        messageEncoding: "base64",
      },
      durableTask: { hubName: "TestHubName" },
    });
  });

  it("of this app is understood, with routes that are absolute", async () => {
    const project = fileURLToPath(new URL("../..", import.meta.url));

    const config = await readHostConfig(project, {});

    expect(config).toMatchObject({
      routePrefix: "",
      functionTimeoutMs: 7_200_000,
      queues: { messageEncoding: "none" },
    });
  });

  it("gives way to settings, whatever the case of their names", async () => {
    await write("host.json", { version: "2.0", extensions: { queues: { visibilityTimeout: "00:00:30" } } });

    const config = await readHostConfig(directory, {
      AzureFunctionsJobHost__extensions__queues__VisibilityTimeout: "00:00:01",
      azurefunctionsjobhost__extensions__queues__batchSize: "3",
    });

    expect(config.queues).toMatchObject({ visibilityTimeout: 1_000, batchSize: 3 });
  });

  it("may name a setting in its hub name", async () => {
    await write("host.json", { version: "2.0", extensions: { durableTask: { hubName: "%Hub%" } } });

    expect((await readHostConfig(directory, { Hub: "mine" })).durableTask.hubName).toBe("mine");
    await expect(readHostConfig(directory, {})).rejects.toThrow("setting Hub is missing");
  });

  it("with a wrong value is refused by name", async () => {
    await write("host.json", { version: "2.0", extensions: { queues: { visibilityTimeout: "30s" } } });

    await expect(readHostConfig(directory, {})).rejects.toThrow(/visibilityTimeout/);
  });
});

describe("local.settings.json", () => {
  it("gives its values, and nothing when it is not there", async () => {
    expect(await readLocalSettings(join(directory, "local.settings.json"))).toBeUndefined();
    await write("local.settings.json", { IsEncrypted: false, Values: { A: "1" } });

    expect(await readLocalSettings(join(directory, "local.settings.json"))).toEqual({ A: "1" });
  });

  it("has a sample that can be read", async () => {
    const sample = fileURLToPath(new URL("../../local.settings.sample.json", import.meta.url));

    expect(await readLocalSettings(sample)).toMatchObject({ FUNCTIONS_WORKER_RUNTIME: "node" });
  });
});

describe("parseTimeSpan", () => {
  it.each([
    ["00:00:30", 30_000],
    ["02:00:00", 7_200_000],
    ["1.00:00:00", 86_400_000],
    ["00:00:00.100", 100],
    ["-00:00:01", -1_000],
    ["30", undefined],
    ["0 */5 * * * *", undefined],
  ])("of %s is %s ms", (text, ms) => {
    expect(parseTimeSpan(text)).toBe(ms);
  });
});
