import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ConfigError, parseConfig } from "../../src/config.ts";
import { matchesAny } from "../../src/domain/host-pattern.ts";
import { makeCertificate } from "../helpers/certificates.ts";

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

describe("API_SIGN_IN", () => {
  const platform = { ...storage, API_SIGN_IN: "platform" };

  it("is a key unless the settings say otherwise", () => {
    expect(parseConfig(storage).callers.apiSignIn).toBe("key");
    expect(parseConfig({ ...storage, WEBSITE_AUTH_ENABLED: "True" }).callers.apiSignIn).toBe("key");
    expect(parseConfig({ ...platform, WEBSITE_AUTH_ENABLED: "True" }).callers.apiSignIn).toBe("platform");
  });

  it.each([undefined, "", "False", "1"])("is not the platform's as long as that says %j of its sign-in", (value) => {
    expect(problemsOf({ ...platform, WEBSITE_AUTH_ENABLED: value })).toEqual([
      "API_SIGN_IN: platform needs App Service authentication, which is off: switch it on for the app, or set key",
    ]);
  });

  it("is one of two words", () => {
    expect(problemsOf({ ...storage, API_SIGN_IN: "anonymous" })).toEqual(["API_SIGN_IN: expected key or platform"]);
  });
});

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

  it("reaches storage of another cloud by the addresses of its services, before the account's name", () => {
    const { storage } = parseConfig({
      AzureWebJobsStorage__accountName: "other",
      AzureWebJobsStorage__tableServiceUri: "https://drayage1.table.core.chinacloudapi.cn/",
      AzureWebJobsStorage__queueServiceUri: "https://drayage1.queue.core.chinacloudapi.cn",
    });

    expect(storage).toMatchObject({
      kind: "identity",
      tableUrl: "https://drayage1.table.core.chinacloudapi.cn",
      queueUrl: "https://drayage1.queue.core.chinacloudapi.cn",
    });
  });

  it.each([
    ["one of two addresses", { AzureWebJobsStorage__tableServiceUri: "https://drayage1.table.core.windows.net" }],
    [
      "an address without https",
      {
        AzureWebJobsStorage__tableServiceUri: "http://drayage1.table.core.windows.net",
        AzureWebJobsStorage__queueServiceUri: "https://drayage1.queue.core.windows.net",
      },
    ],
  ])("refuses storage that is named by %s", (_what, settings) => {
    expect(() => parseConfig(settings)).toThrow(/AzureWebJobsStorage/);
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
      storage: {
        kind: "identity",
        tableUrl: "https://drayage1.table.core.windows.net",
        queueUrl: "https://drayage1.queue.core.windows.net",
        clientId: "c",
      },
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
      REGISTRIES: JSON.stringify([{ host: "r.example", auth: { kind: "ecr" } }]),
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

  it("reads proxies in upper or lower case, with or without their scheme", () => {
    const { proxies } = parseConfig({
      ...storage,
      https_proxy: "http://lower:1",
      HTTPS_PROXY: "user:p%40ss@proxy.example:3128",
      http_proxy: "https://lower.example",
      NO_PROXY: "a.example, .b.example 10.0.0.0/8,",
    });

    expect(proxies).toEqual({
      httpsProxy: "http://user:p%40ss@proxy.example:3128/",
      httpProxy: "https://lower.example/",
      noProxy: ["a.example", ".b.example", "10.0.0.0/8"],
    });
    expect(problemsOf({ ...storage, HTTPS_PROXY: "socks5://u:topsecret@x" }).join()).toMatch(
      /^HTTPS_PROXY: is no http/,
    );
    expect(problemsOf({ ...storage, HTTP_PROXY: "http://u:topsecret%@x" }).join()).not.toContain("topsecret");
  });

  it("reads the CA of a registry once, and names the entry whose file is none", async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), "config-"));
    const { cert, key } = makeCertificate("r.example");
    const [good, bad] = [join(directory.path, "ca.pem"), join(directory.path, "key.pem")];
    await Promise.all([writeFile(good, `# ours\n${cert}`), writeFile(bad, key)]);
    const entry = (host: string, caFile: string) => ({ host, auth: { kind: "anonymous" }, caFile });
    const withEntries = (...entries: readonly object[]) => ({ ...storage, REGISTRIES: JSON.stringify(entries) });

    const { certificateAuthorities } = parseConfig(withEntries(entry("*.example", good), entry("r.example", good)));

    expect(certificateAuthorities).toEqual([
      { host: "r.example", pem: cert },
      { host: "*.example", pem: cert },
    ]);
    expect(problemsOf(withEntries(entry("a.example", "/not/there.pem"), entry("b.example", bad)))).toEqual([
      "REGISTRIES: entry 1 (a.example): caFile /not/there.pem is not there",
      `REGISTRIES: entry 2 (b.example): caFile ${bad} holds no certificate (PEM)`,
    ]);
  });
});
