import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { KiB } from "../../../src/descriptor.ts";
import { digestOf } from "../../../src/digest.ts";
import { getBlob, headBlob, mountBlob } from "../../../src/registry/blobs.ts";
import type { ByteRange } from "../../../src/registry/http-range.ts";
import type { Repository } from "../../../src/registry/registry.ts";
import { failing, hangUp } from "../../helpers/faults-any.ts";
import { ignoreRanges, stallBody, truncateBody, wrongContentRange } from "../../helpers/faults-source.ts";
import { startServer } from "../../helpers/http-server.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { createTestClient, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;
const missing = digestOf(Buffer.from("nobody has this"));

async function read(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("headBlob", () => {
  it("tells the size of a blob that is there, and undefined for one that is not", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const { digest } = await registry.seedBlob({ repository: "team/app", sizeBytes: 1_234 });
    const repository = client.repository(registry.host);

    expect(await headBlob(repository, digest, never)).toBe(1_234);
    expect(await headBlob(repository, missing, never)).toBeUndefined();
  });

  it("keeps a connection for the next request after a HEAD", async () => {
    const sockets = new Set<unknown>();
    await using server = await startServer((_request, { incoming }) => {
      sockets.add(incoming.socket);
      return { status: 200, headers: { "content-length": "5" } };
    });
    await using client = createTestClient();
    const repository = client.repository(server.host);

    for (let heads = 0; heads < 5; heads += 1) expect(await headBlob(repository, missing, never)).toBe(5);

    expect(sockets.size).toBeLessThanOrEqual(2); // undici may open another one before it sees that the first is free
  });
});

describe("getBlob", () => {
  it("reads a whole blob", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const { digest, content } = await registry.seedBlob({ repository: "team/app", sizeBytes: 300 * KiB });

    await using blob = await getBlob(client.repository(registry.host), { digest }, never);

    expect(blob).toMatchObject({ isPartial: false, startBytes: 0, totalBytes: 300 * KiB });
    expect((await read(blob.content)).equals(content)).toBe(true);
  });

  const ranges: readonly (readonly [string, ByteRange])[] = [
    ["between two offsets", { startBytes: 100, endBytes: 200 }],
    ["from an offset on", { startBytes: 900 }],
    ["that ends behind the blob", { startBytes: 900, endBytes: 5_000 }],
  ];
  it.each(ranges)("reads a range %s", async (_, range) => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const { digest, content } = await registry.seedBlob({ repository: "team/app", sizeBytes: 1_000 });

    await using blob = await getBlob(client.repository(registry.host), { digest, range }, never);

    expect(blob).toMatchObject({ isPartial: true, startBytes: range.startBytes, totalBytes: 1_000 });
    expect((await read(blob.content)).equals(content.subarray(range.startBytes, range.endBytes))).toBe(true);
  });

  it("says that it got all where the registry ignores ranges", async () => {
    await using registry = await startRegistry({ faults: [ignoreRanges()] });
    await using client = createTestClient();
    const { digest } = await registry.seedBlob({ repository: "team/app", sizeBytes: 1_000 });
    const range = { startBytes: 100, endBytes: 200 };

    await using blob = await getBlob(client.repository(registry.host), { digest, range }, never);

    expect(blob).toMatchObject({ isPartial: false, startBytes: 0, totalBytes: 1_000 });
  });

  it("refuses another range than it asked for", async () => {
    await using registry = await startRegistry({ faults: [wrongContentRange({ shiftBytes: 1 })] });
    await using client = createTestClient();
    const { digest } = await registry.seedBlob({ repository: "team/app", sizeBytes: 1_000 });
    const range = { startBytes: 100, endBytes: 200 };

    const thrown = await thrownBy(() => getBlob(client.repository(registry.host), { digest, range }, never));

    expect(thrown).toMatchObject({ code: "SOURCE_CONTENT_CORRUPT", retryable: false });
  });

  it.each([
    ["no Content-Range", {}],
    ["another unit", { "content-range": "items 1-3/7" }],
    ["more than was asked for", { "content-range": "bytes 1-4/7" }],
    ["several parts", { "content-type": "multipart/byteranges; boundary=x" }],
  ])("refuses a 206 with %s", async (_, headers) => {
    await using server = await startServer(() => ({ status: 206, headers, body: "abc" }));
    await using client = createTestClient();
    const request = { digest: missing, range: { startBytes: 1, endBytes: 4 } };

    const thrown = await thrownBy(() => getBlob(client.repository(server.host), request, never));

    expect(thrown).toMatchObject({ code: "SOURCE_CONTENT_CORRUPT" });
  });

  it("maps a range that lies behind the blob", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const { digest } = await registry.seedBlob({ repository: "team/app", sizeBytes: 10 });
    const range = { startBytes: 10 };

    const thrown = await thrownBy(() => getBlob(client.repository(registry.host), { digest, range }, never));

    expect(thrown).toMatchObject({ code: "SOURCE_CONTENT_CORRUPT", httpStatus: 416 });
  });

  it("fails while it is read when the connection breaks", async () => {
    await using registry = await startRegistry({ faults: [truncateBody({ kind: "blob-get", afterBytes: 50_000 })] });
    await using client = createTestClient();
    const { digest } = await registry.seedBlob({ repository: "team/app", sizeBytes: 100_000 });
    await using blob = await getBlob(client.repository(registry.host), { digest }, never);

    const thrown = await thrownBy(() => read(blob.content));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: true, side: "source" });
  });

  it("fails when no byte comes for as long as a stall may last", async () => {
    await using registry = await startRegistry({ faults: [stallBody({ kind: "blob-get", afterBytes: 50_000 })] });
    await using client = createTestClient({ limits: { stallMs: 100 } });
    const { digest } = await registry.seedBlob({ repository: "team/app", sizeBytes: 100_000 });
    await using blob = await getBlob(client.repository(registry.host), { digest }, never);

    const thrown = await thrownBy(() => read(blob.content));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: true });
    expect(String(thrown)).toContain("stalled");
  });

  it("keeps the connection when little of a blob is left unread, and drops it when much is", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const repository = client.repository(registry.host);
    const small = await registry.seedBlob({ repository: "team/app", sizeBytes: 1_000 });
    const large = await registry.seedBlob({ repository: "team/app", sizeBytes: 8_000 * KiB });

    for (const { digest } of [small, large, small]) {
      await (await getBlob(repository, { digest }, never))[Symbol.asyncDispose]();
      await setImmediate(); // only then undici sees that the connection is free
    }

    const [first, second, third] = registry.requests.map(({ connection }) => connection);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });
});

describe("a blob that is given up after its first chunk", () => {
  it.each([10, 63, 64, 65, 200])("frees its connection at once when it has %i KiB", async (sizeKiB) => {
    const open = new Set<object>();
    const observe = () => {
      const request = {};
      open.add(request);
      return () => open.delete(request);
    };
    await using registry = await startRegistry();
    await using client = createTestClient({ observe });
    const { digest } = await registry.seedBlob({ repository: "team/app", sizeBytes: sizeKiB * KiB });
    registry.hold({ kind: "blob-get" }, { sentBytes: 5 * KiB });
    const blob = await getBlob(client.repository(registry.host), { digest }, never);
    await blob.content[Symbol.asyncIterator]().next();

    await blob[Symbol.asyncDispose]();

    expect(open.size).toBe(0);
  });
});

describe("a blob that is given up after its last byte", () => {
  it.each([10, 200, 2_000])("leaves its connection to others when it has %i KiB", async (sizeKiB) => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const { digest } = await registry.seedBlob({ repository: "team/app", sizeBytes: sizeKiB * KiB });

    for (let reads = 0; reads < 6; reads += 1) {
      await using blob = await getBlob(client.repository(registry.host), { digest }, never);
      const content = blob.content[Symbol.asyncIterator]();
      for (let left = sizeKiB * KiB; left > 0; ) left -= (await content.next()).value?.byteLength ?? left;
    }

    const connections = new Set(registry.requests.map(({ connection }) => connection));
    expect(connections.size).toBeLessThanOrEqual(2); // undici may open another one before it sees that the first is free
  });
});

describe("mountBlob", () => {
  const targetOf = (client: ReturnType<typeof createTestClient>, host: string): Repository =>
    client.repository(host, { side: "target", actions: ["pull", "push"] });

  it("mounts what the other repository has", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const { digest, content } = await registry.seedBlob({ repository: "base/os", sizeBytes: 100 });

    const outcome = await mountBlob(targetOf(client, registry.host), { digest, from: "base/os" }, never);

    expect(outcome).toEqual({ kind: "mounted" });
    expect(await registry.readBlob(digest, "team/app")).toEqual(content);
  });

  it("returns the session that the registry opens instead", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();

    const outcome = await mountBlob(targetOf(client, registry.host), { digest: missing, from: "base/os" }, never);

    const location = expect.stringMatching(`^${registry.url}/v2/team/app/blobs/uploads/`);
    expect(outcome).toEqual({ kind: "session", session: { location, offsetBytes: 0 } });
  });

  it.each([400, 401, 403, 404, 405, 409, 422, 500, 501])("takes a lasting %i as refused", async (status) => {
    await using registry = await startRegistry({ faults: [failing({ kind: "mount", status })] });
    await using client = createTestClient();
    const { digest } = await registry.seedBlob({ repository: "base/os", sizeBytes: 100 });

    const outcome = await mountBlob(targetOf(client, registry.host), { digest, from: "base/os" }, never);

    expect(outcome).toEqual({ kind: "refused", status });
  });

  it.each([429, 503])("throws a %i, which asks every request to wait", async (status) => {
    await using registry = await startRegistry({ faults: [failing({ kind: "mount", status, retryAfter: "90" })] });
    await using client = createTestClient();

    const thrown = await thrownBy(() =>
      mountBlob(targetOf(client, registry.host), { digest: missing, from: "a" }, never),
    );

    expect(thrown).toMatchObject({ httpStatus: status, retryable: true, retryAfterSeconds: 90 });
  });

  it("throws what says nothing about the mount", async () => {
    await using registry = await startRegistry({ faults: [hangUp({ kind: "mount" })] });
    await using client = createTestClient();

    const thrown = await thrownBy(() =>
      mountBlob(targetOf(client, registry.host), { digest: missing, from: "a" }, never),
    );

    expect(thrown).toMatchObject({ code: "TARGET_UNAVAILABLE", retryable: true });
  });
});
