import { createServer } from "node:https";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/digest.ts";
import { ImportError } from "../../../src/errors.ts";
import { getBlob, headBlob } from "../../../src/registry/blobs.ts";
import type { ClientLimits } from "../../../src/registry/client.ts";
import { headManifest } from "../../../src/registry/manifests.ts";
import { startUpload } from "../../../src/registry/uploads.ts";
import { makeCertificate } from "../../helpers/certificates.ts";
import { type Reply, type Responder, startScript, startServer } from "../../helpers/http-server.ts";
import { createTestNetwork } from "../../helpers/network.ts";
import { createTestClient, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;
const content = Buffer.from("content");
const digest = digestOf(content);

async function read(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}

describe("redirects", () => {
  it.each([301, 302, 303, 307, 308])("follows a %i to another host without our headers", async (status) => {
    await using storage = await startServer(() => ({ status: 200, body: content }), { hostname: "localhost" });
    await using server = await startServer(({ headers }) =>
      headers.authorization === undefined
        ? { status: 401, headers: { "www-authenticate": 'Basic realm="r"' } }
        : { status, headers: { location: `${storage.origin}/blob?sig=secret&x=%2B` } },
    );
    await using client = createTestClient();
    const credentials = { kind: "password", username: "u", password: "p" } as const;

    await using blob = await getBlob(client.repository(server.host, { credentials }), { digest }, never);

    expect(await read(blob.content)).toBe("content");
    expect(storage.requests[0]?.url).toBe("/blob?sig=secret&x=%2B");
    expect(storage.requests[0]?.headers.authorization).toBeUndefined();
  });

  it("asks the other host for the same range", async () => {
    await using storage = await startServer(() => ({
      status: 206,
      headers: { "content-range": "bytes 1-3/7" },
      body: "ont",
    }));
    await using server = await startScript({ status: 307, headers: { location: `${storage.origin}/blob` } });
    await using client = createTestClient();
    const range = { startBytes: 1, endBytes: 4 };

    await using blob = await getBlob(client.repository(server.host), { digest, range, ifRange: '"e"' }, never);

    expect(await read(blob.content)).toBe("ont");
    expect(storage.requests[0]?.headers).toMatchObject({ range: "bytes=1-3", "if-range": '"e"' });
  });

  it("follows a relative Location with Authorization, which never left the host", async () => {
    await using server = await startServer(({ url, headers }) => {
      if (headers.authorization === undefined)
        return { status: 401, headers: { "www-authenticate": 'Basic realm="r"' } };
      return url.startsWith("/v2/") ? { status: 302, headers: { location: "../moved?a=b" } } : { status: 200 };
    });
    await using client = createTestClient();
    const credentials = { kind: "password", username: "u", password: "p" } as const;
    const repository = client.repository(server.host, { credentials });

    const thrown = await thrownBy(() =>
      repository.send({ method: "GET", target: { path: "x" }, accept: [418] }, never),
    );

    expect(thrown).toBeInstanceOf(ImportError);
    expect(server.requests.at(-1)?.headers.authorization).toMatch(/^Basic /);
  });

  it("sends no Authorization to a host that sends back to the registry", async () => {
    await using server = await startServer(({ url, headers }): Reply => {
      if (url === "/back") return { status: 200 };
      if (headers.authorization === undefined)
        return { status: 401, headers: { "www-authenticate": 'Basic realm="r"' } };
      return { status: 307, headers: { location: `${storage.origin}/away` } };
    });
    await using storage = await startServer(() => ({ status: 307, headers: { location: `${server.origin}/back` } }));
    await using client = createTestClient();
    const credentials = { kind: "password", username: "u", password: "p" } as const;

    await headBlob(client.repository(server.host, { credentials }), digest, never);

    expect(server.requests.at(-1)).toMatchObject({ url: "/back" });
    expect(server.requests.at(-1)?.headers.authorization).toBeUndefined();
  });

  it.each<[string, Responder]>([
    ["asks to wait by 429", () => ({ status: 429, headers: { "retry-after": "30" } })],
    ["asks to wait by 503", () => ({ status: 503, headers: { "retry-after": "30" } })],
    [
      "hangs up",
      (_request, { incoming }) => {
        incoming.socket.destroy();
        return undefined;
      },
    ],
  ])("hold nobody back at the registry when the storage that it leads to %s", async (_, refuse) => {
    await using storage = await startServer(refuse);
    await using server = await startServer(({ method }) =>
      method === "GET" ? { status: 307, headers: { location: `${storage.origin}/blob` } } : { status: 200 },
    );
    await using client = createTestClient({ limits: { attempts: 1 } });
    const repository = client.repository(server.host);
    const thrown = await thrownBy(() => getBlob(repository, { digest }, never));

    await headBlob(repository, digest, never);

    expect(thrown).toMatchObject({ side: "source", retryable: true });
    expect(client.clock.sleeps).toEqual([]);
  });

  it("try a storage again that asks to wait, when it has said", async () => {
    await using storage = await startScript(
      { status: 503, headers: { "retry-after": "30" } },
      { status: 200, body: content },
    );
    await using server = await startServer(() => ({ status: 307, headers: { location: `${storage.origin}/blob` } }));
    await using client = createTestClient();

    await using blob = await getBlob(client.repository(server.host), { digest }, never);

    expect(await read(blob.content)).toBe("content");
    expect(client.clock.sleeps).toEqual([30_000]);
  });

  it("stops after five", async () => {
    await using server = await startScript({ status: 302, headers: { location: "/again?sig=secret" } });
    await using client = createTestClient();

    const thrown = await thrownBy(() => headBlob(client.repository(server.host), digest, never));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: false });
    expect(server.requests).toHaveLength(6);
  });

  it("names a signed URL neither in errors nor in the log", async () => {
    await using storage = await startServer(() => ({ status: 403, body: "<Error><Code>Expired</Code></Error>" }));
    await using broken = await startServer((_, { incoming }) => {
      incoming.socket.destroy();
      return undefined;
    });
    const leadingTo = ({ origin }: { readonly origin: string }) =>
      startServer(() => ({ status: 307, headers: { location: `${origin}/path-secret?sig=query-secret` } }));
    await using refusing = await leadingTo(storage);
    await using breaking = await leadingTo(broken);
    await using client = createTestClient({ limits: { attempts: 2 } });

    const thrown = [
      await thrownBy(() => headBlob(client.repository(refusing.host), digest, never)),
      await thrownBy(() => getBlob(client.repository(breaking.host), { digest }, never)),
    ];

    expect(thrown).toMatchObject([{ httpStatus: 403 }, { code: "SOURCE_UNAVAILABLE", retryable: true }]);
    const texts = thrown.map((error) => (error instanceof ImportError ? JSON.stringify(error.toWire()) : ""));
    expect(`${texts.join()} ${client.logged()}`).not.toContain("secret");
    expect(texts[1]).toContain(broken.host);
    expect(client.logged()).toContain("registry.retry");
  });

  describe("of a registry with TLS to storage without (NVIDIA/enroot#222)", () => {
    /** What a blob's GET ends in, and what the storage is asked; `insecure`: the operator names the storage's host. */
    async function download(insecure: "named" | "not named") {
      const certificate = makeCertificate("registry.test");
      await using storage = await startServer(() => ({ status: 200, body: content }));
      const server = createServer(certificate, (_, answer) => {
        answer.writeHead(307, { location: `${storage.origin}/blob?sig=1` }).end();
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const address = server.address();
      const host = `127.0.0.1:${typeof address === "object" && address?.port}`;
      const network = createTestNetwork({
        allowPrivateHosts: [host, storage.host],
        isInsecure: (asked) => insecure === "named" && asked === storage.host,
        caFor: () => certificate.cert,
      });
      try {
        await using client = createTestClient({ network });
        const credentials = { kind: "password", username: "u", password: "p" } as const;
        const repository = client.repository(host, { insecure: false, credentials });
        const outcome = await getBlob(repository, { digest }, never).then(
          async (blob) => await read(blob.content),
          (thrown: unknown) => thrown,
        );
        return { outcome, requests: storage.requests };
      } finally {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    }

    it("is followed where the operator names the storage, and no credentials go there", async () => {
      const { outcome, requests } = await download("named");

      expect(outcome).toBe("content");
      expect(requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    });

    it("is refused else, with what the operator can do", async () => {
      const { outcome, requests } = await download("not named");

      expect(outcome).toMatchObject({ code: "HOST_NOT_ALLOWED", side: "source", retryable: false });
      expect(String(outcome)).toContain("INSECURE_HOSTS");
      expect(requests).toEqual([]);
    });
  });

  it("does not follow a redirect of a request with a body", async () => {
    await using server = await startScript({ status: 307, headers: { location: "/elsewhere" } });
    await using client = createTestClient();

    const thrown = await thrownBy(() => startUpload(client.repository(server.host, { side: "target" }), never));

    expect(thrown).toMatchObject({ code: "TARGET_UNAVAILABLE", httpStatus: 307 });
    expect(server.requests).toHaveLength(1);
  });
});

describe("a HEAD that is redirected to a URL signed for GET alone", () => {
  /** Storage that refuses HEAD, and answers GET as told. */
  async function behindStorage(answer: Reply, profile = "unknown", limits: Partial<ClientLimits> = {}) {
    const storage = await startServer(({ method }) => (method === "HEAD" ? { status: 403 } : answer), {
      hostname: "localhost",
    });
    const location = `${storage.origin}/object?X-Amz-Signature=1`;
    const registry = await startServer(() => ({ status: 307, headers: { location } }));
    const client = createTestClient({ limits });
    return {
      repository: client.repository(registry.host, { side: "target", profile }),
      asked: () => storage.requests.map(({ method, headers }) => [method, headers.range]),
      async [Symbol.asyncDispose]() {
        await client[Symbol.asyncDispose]();
        await registry[Symbol.asyncDispose]();
        await storage[Symbol.asyncDispose]();
      },
    };
  }

  it.each<[string, Reply, number]>([
    ["the first byte", { status: 206, headers: { "content-range": "bytes 0-0/7000" }, body: "x" }, 7_000],
    ["everything", { status: 200, headers: { "content-length": "7" }, body: content }, content.byteLength],
    ["nothing, of an empty blob", { status: 416, headers: { "content-range": "bytes */0" } }, 0],
  ])("finds a blob by a GET that is answered by %s (moby/moby#50065)", async (_, answer, sizeBytes) => {
    await using world = await behindStorage(answer);

    expect(await headBlob(world.repository, digest, never)).toBe(sizeBytes);

    expect(world.asked()).toEqual([
      ["HEAD", undefined],
      ["GET", "bytes=0-0"],
    ]);
  });

  it("finds a manifest by a GET (pulp/pulp_container#579)", async () => {
    const mediaType = "application/vnd.oci.image.index.v1+json";
    const headers = { "docker-content-digest": digest, "content-type": mediaType, "content-length": "7" };
    await using world = await behindStorage({ status: 200, headers, body: content });

    const head = await headManifest(world.repository, "1", never);

    expect(head).toEqual({ digest, mediaType, size: 7 });
  });

  it("has no slot any more when the GET waits for one", async () => {
    const headers = { "docker-content-digest": digest };
    await using world = await behindStorage({ status: 200, headers }, "unknown", { requestsPerHost: 2 });

    const heads = await Promise.all([1, 2, 3, 4].map((tag) => headManifest(world.repository, String(tag), never)));

    expect(heads.map((head) => head?.digest)).toEqual([digest, digest, digest, digest]);
  });

  it.each(["unknown", "ecrpublic"])("waits for no download of a blob, at a registry of profile %s", async (profile) => {
    const answer = { status: 206, headers: { "content-range": "bytes 0-0/7000" }, body: "x" };
    await using world = await behindStorage(answer, profile, { connectionsPerHost: 1 });
    const download = await world.repository.acquireDownload(never);

    expect(await headBlob(world.repository, digest, never)).toBe(7_000);

    download.release();
  });

  it.each([
    ["", "unknown"],
    [", also where a registry's own 403 means that nothing is there", "artifactory"],
  ])("says that the storage refuses, when it refuses a GET too%s", async (_, profile) => {
    await using world = await behindStorage({ status: 403 }, profile);

    const error = await thrownBy(() => headBlob(world.repository, digest, never));

    expect(error).toMatchObject({ code: "TARGET_UNAVAILABLE", httpStatus: 403, retryable: true });
  });
});
