import { once } from "node:events";
import { createServer } from "node:https";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/digest.ts";
import { headManifest } from "../../../src/registry/manifests.ts";
import { proxyFor } from "../../../src/registry/proxy.ts";
import { makeCertificate } from "../../helpers/certificates.ts";
import { startConnectProxy } from "../../helpers/connect-proxy.ts";
import { startServer } from "../../helpers/http-server.ts";
import { createTestNetwork, type TestNetworkOptions } from "../../helpers/network.ts";
import { createTestClient, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;
const digest = digestOf(new Uint8Array(3));
const name = "registry.test"; // no name server knows it
const { key, cert } = makeCertificate(name);

const secure = createServer({ key, cert }, (_, response) => {
  response.setHeader("docker-content-digest", digest).end();
});
let port = 0;

beforeAll(async () => {
  secure.listen(0, "127.0.0.1");
  await once(secure, "listening");
  const address = secure.address();
  port = address === null || typeof address === "string" ? 0 : address.port;
});
afterAll(() => {
  secure.closeAllConnections();
  secure.close();
});

async function head(host: string, network: TestNetworkOptions, insecure = false): Promise<unknown> {
  await using client = createTestClient({ network: createTestNetwork(network) });
  return await headManifest(client.repository(host, { insecure }), "1", never).catch((thrown: unknown) => thrown);
}

describe("TLS", () => {
  it("takes a certificate of the CA that is named for the host, by its name and at an address", async () => {
    const host = `127.0.0.1:${port}`;
    const caFor = (asked: string) => (asked === host ? cert : undefined);

    expect(await head(host, { allowPrivateHosts: [host], caFor })).toMatchObject({ digest });
  });

  it("takes it for no other host", async () => {
    const host = `127.0.0.1:${port}`;
    const caFor = (asked: string) => (asked === "other.example" ? cert : undefined);

    const thrown = await head(host, { allowPrivateHosts: [host], caFor });

    expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: false });
    expect(String(thrown)).toContain("caFile");
  });

  it("is verified whatever the environment says", async () => {
    const host = `127.0.0.1:${port}`;
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    try {
      expect(await head(host, { allowPrivateHosts: [host] })).toMatchObject({ code: "SOURCE_UNAVAILABLE" });
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
  });
});

describe("through a proxy", () => {
  const through = (url: string, noProxy: readonly string[] = []) => ({
    proxies: { httpsProxy: url, httpProxy: url, noProxy },
  });

  it("reaches a name that only the proxy knows, with TLS to the registry itself", async () => {
    await using proxy = await startConnectProxy({ [`${name}:443`]: { port } });

    const answer = await head(name, { ...through(proxy.url), caFor: () => cert });

    expect(answer).toMatchObject({ digest });
    expect(proxy.asked).toEqual([
      { authority: `${name}:443`, authorization: `Basic ${Buffer.from("user:p@ss").toString("base64")}` },
    ]);
  });

  it("reaches a host of plain http that the operator names", async () => {
    await using server = await startServer(() => ({ status: 200, headers: { "docker-content-digest": digest } }));
    await using proxy = await startConnectProxy({ [`${name}:5000`]: { port: Number(new URL(server.origin).port) } });
    const isInsecure = (host: string) => host === `${name}:5000`;

    expect(await head(`${name}:5000`, { ...through(proxy.url), isInsecure }, true)).toMatchObject({ digest });
    expect(await head(name, { ...through(proxy.url), isInsecure }, true)).toMatchObject({ code: "HOST_NOT_ALLOWED" });
  });

  it("asks the proxy for no address that must not be reached, and for no metadata service by name", async () => {
    await using proxy = await startConnectProxy({});

    for (const host of ["169.254.169.254", "10.0.0.1", "[fe80::1]", "metadata.google.internal"])
      expect(await head(host, through(proxy.url))).toMatchObject({ code: "HOST_NOT_ALLOWED" });
    expect(proxy.asked).toEqual([]);
  });

  it("lets NO_PROXY and loopback go by, and checks the address then", async () => {
    await using proxy = await startConnectProxy({});
    const host = `127.0.0.1:${port}`;
    const lookup: TestNetworkOptions["lookup"] = (_, options, callback) =>
      options.all === true ? callback(null, [{ address: "127.0.0.1", family: 4 }]) : callback(null, "127.0.0.1", 4);
    const noProxy = through(proxy.url, [".test"]);

    expect(await head(host, { ...through(proxy.url), allowPrivateHosts: [host], caFor: () => cert })).toMatchObject({
      digest,
    });
    expect(await head(`${name}:${port}`, { ...noProxy, lookup })).toMatchObject({ code: "HOST_NOT_ALLOWED" });
    expect(proxy.asked).toEqual([]);
  });

  it.each([
    [407, false, "user or password"],
    [403, false, "opens no tunnel (403)"],
    [503, true, "opens no tunnel (503)"],
  ])("says what is wrong where the proxy answers %s", async (status, retryable, what) => {
    await using proxy = await startConnectProxy({ [`${name}:443`]: status });

    const thrown = await head(name, through(proxy.url));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", side: "source", registry: name, retryable });
    expect(String(thrown)).toContain(what);
    expect(String(thrown)).not.toContain("p%40ss");
    expect(proxy.asked).toHaveLength(retryable ? 5 : 1);
  });

  it("says so where the proxy is not there", async () => {
    const thrown = await thrownBy(async () => {
      throw await head(name, through("http://127.0.0.1:1"));
    });

    expect(String(thrown)).toContain("the proxy cannot be reached: ECONNREFUSED");
  });
});

describe("proxyFor", () => {
  const settings = { httpsProxy: "http://s:1", httpProxy: "http://p:2" };
  const noProxy = ["exact.example", ".below.example", "*.star.example", "port.example:8443", "10.0.0.0/8", "fd00::/8"];

  it.each([
    ["https://other.example", "s:1"],
    ["http://other.example", "p:2"],
    ["https://exact.example", undefined],
    ["https://a.exact.example", undefined],
    ["https://notexact.example", "s:1"],
    ["https://below.example", "s:1"],
    ["https://a.below.example", undefined],
    ["https://a.star.example", undefined],
    ["https://star.example", "s:1"],
    ["https://port.example:8443", undefined],
    ["https://port.example", "s:1"],
    ["https://10.9.8.7", undefined],
    ["https://11.9.8.7", "s:1"],
    ["https://[fd00::1]", undefined],
    ["http://localhost:5000", undefined],
    ["http://127.0.0.1:5000", undefined],
    ["https://[::1]", undefined],
  ])("reaches %s through %s", (url, proxy) => {
    expect(proxyFor(new URL(url), { ...settings, noProxy })?.host).toBe(proxy);
  });

  it("is none where NO_PROXY is * or no proxy is set for the scheme", () => {
    const url = new URL("https://r.example");

    expect(proxyFor(url, { ...settings, noProxy: ["*"] })).toBeUndefined();
    expect(proxyFor(url, { ...settings, httpsProxy: undefined, noProxy: [] })).toBeUndefined();
  });
});
