import type { LookupFunction } from "node:net";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/digest.ts";
import type { Network } from "../../../src/registry/guarded-agent.ts";
import { headManifest } from "../../../src/registry/manifests.ts";
import { createNetworkPolicy, refusalOfUrl } from "../../../src/registry/network-guard.ts";
import { startServer } from "../../helpers/http-server.ts";
import { createTestNetwork, type TestNetworkOptions } from "../../helpers/network.ts";
import { createTestClient, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;
const isInsecure = () => true;
const digest = digestOf(new Uint8Array(3));

/** A name server of which each question takes the next answer; the last one stays. */
function names(...answers: readonly (readonly string[])[]) {
  let asked = 0;
  const lookup: LookupFunction = (_, options, callback) => {
    const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
    asked += 1;
    const found = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    if (options.all === true) process.nextTick(callback, null, found);
    else process.nextTick(callback, null, found[0]?.address ?? "", found[0]?.family);
  };
  return { lookup, asked: () => asked };
}

/** Asks a server on this machine under a name, and returns the error or what the server saw. */
async function askBy(network: (host: string) => TestNetworkOptions) {
  await using server = await startServer(() => ({ status: 200, headers: { "docker-content-digest": digest } }));
  const host = `r.example:${new URL(server.origin).port}`;
  const lines: Record<string, unknown>[] = [];
  const log: Network["log"] = (event, fields) => lines.push({ event, ...fields });
  await using client = createTestClient({
    network: createTestNetwork({ isInsecure, log, ...network(host) }),
  });
  const repository = client.repository(host);
  const ask = () => headManifest(repository, "1", never).catch((thrown: unknown) => thrown);
  const first = await ask();
  await setImmediate(); // only then undici sees that the connection is free
  const answers = [first, await ask()];
  return { host, lines, answers, requests: server.requests.length, sleeps: client.clock.sleeps };
}

describe("connections", () => {
  it("go to a loopback address for host:port of ALLOW_PRIVATE_HOSTS", async () => {
    const { lookup } = names(["127.0.0.1"]);

    const { answers } = await askBy((host) => ({ lookup, allowPrivateHosts: [host] }));

    expect(answers).toEqual([expect.objectContaining({ digest }), expect.objectContaining({ digest })]);
  });

  it.each([
    ["host without its port", (): string => "r.example"],
    ["another port", (): string => "r.example:1"],
  ])("go to no loopback address where the setting has %s", async (_, listed) => {
    const { lookup } = names(["127.0.0.1"]);

    const { answers, requests } = await askBy(() => ({ lookup, allowPrivateHosts: [listed()] }));

    expect(answers).toMatchObject([{ code: "HOST_NOT_ALLOWED" }, { code: "HOST_NOT_ALLOWED" }]);
    expect(requests).toBe(0);
  });

  it("go to no loopback address for a host that is only named elsewhere", async () => {
    const { lookup } = names(["127.0.0.1"], ["::1"]);

    const { answers, requests } = await askBy((host) => ({ lookup, namedHosts: [host] }));

    expect(answers).toMatchObject([{ code: "HOST_NOT_ALLOWED" }, { code: "HOST_NOT_ALLOWED" }]);
    expect(requests).toBe(0);
  });

  it("are refused once, with side, host, kind and cure, and the address in the log only", async () => {
    const { lookup, asked } = names(["127.0.0.1"]);

    const { answers, host, lines, sleeps } = await askBy(() => ({ lookup }));

    const message = `source ${host}: it leads to a loopback address; the operator can name ${host} in ALLOW_PRIVATE_HOSTS`;
    expect(answers[0]).toMatchObject({
      code: "HOST_NOT_ALLOWED",
      side: "source",
      registry: host,
      retryable: false,
      message,
    });
    expect(asked()).toBe(2); // one per request
    expect(sleeps).toEqual([]);
    expect(lines[0]).toEqual({ event: "network.refused", host, address: "127.0.0.1", kind: "loopback" });
  });

  it.each([
    ...["10.0.0.1", "169.254.169.254", "168.63.129.16", "0.0.0.0", "224.0.0.1", "192.0.2.1", "::", "fe80::1"],
    ...["fd00:ec2::254", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "::ffff:169.254.169.254"],
  ])("are refused where a name leads to %s", async (address) => {
    const { lookup } = names([address]);

    const { answers } = await askBy(() => ({ lookup }));

    expect(answers).toMatchObject([{ code: "HOST_NOT_ALLOWED" }, { code: "HOST_NOT_ALLOWED" }]);
  });

  it.each(["169.254.169.254", "fe80::1", "0.0.0.0", "::ffff:169.254.169.254", "fd00:ec2::254"])(
    "are refused to %s whoever is named",
    async (address) => {
      const { lookup } = names([address]);

      const { answers } = await askBy((host) => ({ lookup, namedHosts: [host], allowPrivateHosts: [host] }));

      expect(answers[0]).toMatchObject({ code: "HOST_NOT_ALLOWED" });
      expect(String(answers[0])).toContain("no setting allows such addresses");
    },
  );

  it.each([
    [["169.254.169.254", "127.0.0.1"]],
    [["fe80::1", "::ffff:169.254.169.254", "2001:db8::1", "127.0.0.1"]],
    [["127.0.0.1", "0.0.0.0"]],
  ])("use only the permitted ones of %j", async (addresses) => {
    const { lookup } = names(addresses);

    const { answers, lines } = await askBy((host) => ({ lookup, allowPrivateHosts: [host] }));

    expect(answers).toEqual([expect.objectContaining({ digest }), expect.objectContaining({ digest })]);
    expect(lines).toEqual([]);
  });
});

describe("a name that changes its address", () => {
  it("is connected to where the checked answer leads, with no second question", async () => {
    const { lookup, asked } = names(["127.0.0.1"], ["169.254.169.254"]);

    const { answers, requests } = await askBy((host) => ({ lookup, allowPrivateHosts: [host] }));

    expect(answers).toEqual([expect.objectContaining({ digest }), expect.objectContaining({ digest })]);
    expect(asked()).toBe(1); // the second request found the connection open
    expect(requests).toBe(2);
  });

  it("is refused as soon as a new connection would go elsewhere", async () => {
    const { lookup } = names(["127.0.0.1"], ["169.254.169.254"]);
    await using server = await startServer(() => ({
      status: 200,
      headers: { "docker-content-digest": digest, connection: "close" },
    }));
    const host = `r.example:${new URL(server.origin).port}`;
    const network = createTestNetwork({ lookup, isInsecure, allowPrivateHosts: [host] });
    await using client = createTestClient({ network });
    const repository = client.repository(host);
    await headManifest(repository, "1", never);

    const thrown = await thrownBy(() => headManifest(repository, "1", never));

    expect(thrown).toMatchObject({ code: "HOST_NOT_ALLOWED" });
    expect(server.requests).toHaveLength(1);
  });
});

describe("refusalOfUrl", () => {
  const policy = createNetworkPolicy({
    namedHosts: ["10.0.0.4", "prod.azurecr.io", "eu.westeurope.geo.azurecr.io", "[fd12::1]:5000", "169.254.169.254"],
    allowPrivateHosts: ["localhost:5001", "127.0.0.1:5001", "[::1]:5001"],
    isInsecure: (host) => ["127.0.0.1:5001", "plain.example", "10.0.0.4"].includes(host),
  });
  const refused = (url: string, byName = false) => refusalOfUrl(new URL(url), policy, { byName })?.failure.what;

  it.each([
    ...["https://r.example", "https://10.0.0.4", "https://10.0.0.4:443", "http://10.0.0.4", "https://[fd12::1]:5000"],
    ...["http://127.0.0.1:5001", "https://[::1]:5001", "http://plain.example", "http://plain.example:80/v2/"],
    ...["https://8.8.8.8", "https://[::ffff:8.8.8.8]", "https://metadata.google.internal", "https://localhost"],
  ])("lets %s pass", (url) => {
    expect(refused(url)).toBeUndefined();
  });

  it.each([
    ["https://10.0.0.4:5000", "private"],
    ["https://10.0.0.5", "private"],
    ["https://[::ffff:a00:5]", "private"],
    ["https://127.0.0.1:5002", "loopback"],
    ["https://127.0.0.1", "loopback"],
    ["https://0x7f.1:5002", "loopback"],
    ["https://2130706433", "loopback"],
    ["https://169.254.169.254", "metadata"],
    ["https://169.254.169.254.", "metadata"],
    ["https://[fe80::1]", "link-local"],
    ["http://r.example", "without TLS"],
    ["http://plain.example:8080", "without TLS"],
    ["ftp://r.example", "neither https nor http"],
    ["file:///etc/passwd", "neither https nor http"],
  ])("refuses %s: %s", (url, what) => {
    expect(refused(url)).toContain(what);
  });

  it.each(["https://localhost", "https://a.localhost.", "https://metadata.google.internal"])(
    "refuses the name %s where a proxy would look it up",
    (url) => {
      expect(refused(url, true)).toMatch(/loopback|metadata/);
    },
  );

  it.each([
    ["prod.eastus2.data.azurecr.io", true],
    ["prod.eastus2.geo.azurecr.io", true],
    ["eu.westeurope.data.azurecr.io", true],
    ["prod.eastus2.data.azurecr.cn", false],
    ["other.eastus2.data.azurecr.io", false],
    ["prod.a.b.data.azurecr.io", false],
    ["x-prod.eastus2.data.azurecr.io", false],
    ["prod.eastus2.data.azurecr.io.evil.example", false],
  ])("lets the data host %s of a named ACR be private: %s", (host, expected) => {
    expect(policy.mayBePrivate(host)).toBe(expected);
    expect(policy.mayBeLoopback(host)).toBe(false);
  });
});
