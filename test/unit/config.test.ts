import { describe, expect, it } from "vitest";
import { ConfigError, parseConfig } from "../../src/config.ts";
import { matchesAny } from "../../src/domain/host-pattern.ts";

const storage = { AzureWebJobsStorage: "UseDevelopmentStorage=true" };
const key = Buffer.alloc(32, 7).toString("base64");
const otherKey = Buffer.alloc(32, 8).toString("base64");

function problemsOf(env: Record<string, string | undefined>): readonly string[] {
  try {
    parseConfig(env);
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems;
    throw thrown;
  }
  return [];
}

describe("parseConfig", () => {
  it("needs nothing but storage", () => {
    expect(parseConfig(storage)).toMatchObject({
      storage: { kind: "connectionString", connectionString: "UseDevelopmentStorage=true" },
      tablePrefix: "",
      defaultTarget: undefined,
      registrySuffix: "azurecr.io",
      defaultTimeoutSeconds: 86_400,
      allow: { allowedSources: undefined, allowedTargets: undefined },
      secretsKeys: [],
      largeBlobBytes: undefined,
      bufferBytes: 100_663_296,
      activityBudgetSeconds: 240,
      connectionsPerHost: 32,
      limitShares: 1,
    });
  });

  it("reads every setting", () => {
    const config = parseConfig({
      AzureWebJobsStorage__accountName: "drayage1",
      AzureWebJobsStorage__clientId: "c",
      TABLE_PREFIX: "test1",
      DEFAULT_TARGET: "Prod.azurecr.io",
      DEFAULT_TIMEOUT_SECONDS: "60",
      ALLOWED_TARGETS: "prod.azurecr.io, *.dev.example",
      ALLOWED_SOURCES: "docker.io,ghcr.io",
      INSECURE_HOSTS: "localhost:5000",
      ALLOW_PRIVATE_HOSTS: "localhost:5000,localhost:5001",
      REGISTRIES: JSON.stringify([
        { host: "r.example", alias: "r", auth: { kind: "password", username: "u", password: "p" }, insecure: true },
      ]),
      SECRETS_KEY: `new:${key},old:${otherKey}`,
      LARGE_BLOB_BYTES: "67108864",
      BUFFER_BYTES: "33554432",
      ACTIVITY_BUDGET_SECONDS: "30",
      CONNECTIONS_PER_HOST: "8",
      REQUESTS_PER_HOST: "16",
      LIMIT_SHARES: "4",
    });

    expect(config).toMatchObject({
      storage: { kind: "identity", accountName: "drayage1", clientId: "c" },
      tablePrefix: "test1",
      defaultTarget: "prod.azurecr.io",
      defaultTimeoutSeconds: 60,
      allow: { allowedTargets: ["prod.azurecr.io", "*.dev.example"], allowedSources: ["docker.io", "ghcr.io"] },
      allowPrivateHosts: ["localhost:5000", "localhost:5001"],
      secretsKeys: [{ id: "new" }, { id: "old" }],
      largeBlobBytes: 67_108_864,
      bufferBytes: 33_554_432,
      activityBudgetSeconds: 30,
      connectionsPerHost: 8,
      requestsPerHost: 16,
      limitShares: 4,
    });
    expect(config.registries.hostOfName("r")).toBe("r.example");
    expect(matchesAny(config.insecureHosts, "localhost:5000")).toBe(true);
    expect(matchesAny(config.insecureHosts, "r.example")).toBe(true);
    expect(matchesAny(config.insecureHosts, "prod.azurecr.io")).toBe(false);
    expect(config.namedHosts.toSorted()).toEqual(
      ["docker.io", "ghcr.io", "localhost:5000", "localhost:5001", "prod.azurecr.io", "r.example"].toSorted(),
    );
  });

  it("counts an empty setting as not set", () => {
    expect(parseConfig({ ...storage, DEFAULT_TARGET: "", LIMIT_SHARES: " ", SECRETS_KEY: undefined })).toMatchObject({
      defaultTarget: undefined,
      limitShares: 1,
    });
  });

  it("names a key without id by its content, so that it keeps its name in a list", () => {
    const [alone] = parseConfig({ ...storage, SECRETS_KEY: key }).secretsKeys;
    const inList = parseConfig({ ...storage, SECRETS_KEY: `${otherKey},${key}` }).secretsKeys;

    expect(alone?.key).toEqual(new Uint8Array(32).fill(7));
    expect(inList[1]).toEqual(alone);
    expect(inList[0]?.id).not.toBe(alone?.id);
  });

  it("lists everything that is wrong at once", () => {
    const problems = problemsOf({
      DEFAULT_TARGET: "https://x",
      ALLOWED_TARGETS: "ok.example, not a host",
      INSECURE_HOSTS: "*.example",
      REGISTRIES: JSON.stringify([{ host: "r.example", auth: { kind: "entra" } }]),
      SECRETS_KEY: "c2hvcnQ=",
      BUFFER_BYTES: "1",
      LIMIT_SHARES: "many",
      TABLE_PREFIX: "1-x",
    });

    const names = ["AzureWebJobsStorage", "DEFAULT_TARGET", "ALLOWED_TARGETS", "INSECURE_HOSTS", "REGISTRIES"];
    for (const name of [...names, "SECRETS_KEY", "BUFFER_BYTES", "LIMIT_SHARES", "TABLE_PREFIX"])
      expect(problems.filter((problem) => problem.startsWith(`${name}:`))).toHaveLength(1);
    expect(problems.find((problem) => problem.startsWith("REGISTRIES"))).toContain("entry 1 (r.example)");
  });

  it("repeats no secret", () => {
    const problems = problemsOf({
      AzureWebJobsStorage: "AccountKey=topsecret",
      SECRETS_KEY: "topsecret",
      REGISTRIES: `[{"host":"r.example","auth":{"kind":"password","password":"topsecret"}`,
      EVENT_SINKS: `[{"name":"hook","kind":"webhook","url":"topsecret","secret":"topsecret"}]`,
    });

    expect(problems).toHaveLength(5);
    expect(new ConfigError(problems).message).not.toContain("topsecret");
  });

  it("reads who is told of ends, and how often that is tried", () => {
    const sink = { name: "done", kind: "queue", queue: "done" };

    const { events } = parseConfig({
      ...storage,
      EVENT_SINKS: JSON.stringify([sink]),
      EVENT_SOURCE: "https://drayage.example",
      EVENT_RETRY_SECONDS: "1, 20",
    });

    expect(events).toEqual({ sinks: [sink], source: "https://drayage.example", retrySeconds: [1, 20] });
    expect(parseConfig(storage).events).toEqual({
      ...{ sinks: [], source: "/drayage", retrySeconds: [5, 30, 120, 600, 3_600, 21_600] },
    });
  });

  it("refuses sinks at places that the other settings do not allow, and times that are none", () => {
    const hook = { name: "hook", kind: "webhook", url: "http://10.0.0.4/in" };
    const queue = { name: "loop", kind: "queue", queue: "t1-events" };

    const problems = problemsOf({ ...storage, TABLE_PREFIX: "T1", EVENT_SINKS: JSON.stringify([hook, queue]) });

    expect(problems).toEqual([
      "EVENT_SINKS: entry 1 (hook): 10.0.0.4 needs https, or an entry in INSECURE_HOSTS",
      "EVENT_SINKS: entry 1 (hook): 10.0.0.4 is private: it needs an entry in ALLOW_PRIVATE_HOSTS",
      "EVENT_SINKS: entry 2 (loop): Drayage itself reads queue t1-events",
    ]);
    expect(problemsOf({ ...storage, EVENT_RETRY_SECONDS: "5;6", EVENT_SOURCE: "no uri" })).toHaveLength(2);
    expect(problemsOf({ ...storage, EVENT_RETRY_SECONDS: "5,90000" })).toHaveLength(1);
  });

  it("refuses two keys of one id", () => {
    expect(problemsOf({ ...storage, SECRETS_KEY: `a:${key},a:${otherKey}` })).toEqual([
      "SECRETS_KEY: two keys have the same id",
    ]);
  });
});
