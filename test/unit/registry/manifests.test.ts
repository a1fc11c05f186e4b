import { describe, expect, it } from "vitest";
import { mediaTypes } from "../../../src/descriptor.ts";
import { digestOf, digestSchema } from "../../../src/digest.ts";
import { getManifest, headManifest, maxManifestBytes, putManifest } from "../../../src/registry/manifests.ts";
import { truncateBody } from "../../helpers/faults-source.ts";
import { startServer } from "../../helpers/http-server.ts";
import { image } from "../../helpers/images.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { createTestClient, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;
const oci = mediaTypes.ociManifest;
const bytes = Buffer.from(`{"schemaVersion":2,"mediaType":"${oci}","layers":[]}\n `);
const digest = digestOf(bytes);
const other = digestOf(Buffer.from("other"));

describe("headManifest", () => {
  it("tells digest, type and size, and undefined for what is not there", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const { root } = await registry.seedImage("team/app", "1", image());
    const repository = client.repository(registry.host);

    expect(await headManifest(repository, "1", never)).toEqual({
      digest: root.digest,
      mediaType: root.mediaType,
      size: root.bytes.byteLength,
    });
    expect(await headManifest(repository, "2", never)).toBeUndefined();
  });

  it("does without a digest where the registry tells none", async () => {
    await using server = await startServer(() => ({
      status: 200,
      headers: { "content-type": `${oci}; charset=utf-8` },
    }));
    await using client = createTestClient();

    const head = await headManifest(client.repository(server.host), "1", never);

    expect(head).toEqual({ digest: undefined, mediaType: oci, size: undefined });
  });
});

describe("getManifest", () => {
  it("returns the exact bytes, by tag and by digest", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const { root } = await registry.seedImage("team/app", "1", image());
    const repository = client.repository(registry.host);
    const etag = `"${root.digest}"`;
    const want = { bytes: Buffer.from(root.bytes), mediaType: root.mediaType, digest: root.digest, etag };

    expect(await getManifest(repository, "1", never)).toEqual(want);
    expect(await getManifest(repository, root.digest, never)).toEqual(want);
    expect(await getManifest(repository, other, never)).toBeUndefined();
  });

  it("accepts every type that a copier may meet: registries answer 404 to those that are not named", async () => {
    await using server = await startServer(() => ({ status: 404 }));
    await using client = createTestClient();

    await getManifest(client.repository(server.host), "1", never);

    const accepted = server.requests[0]?.headers.accept?.split(", ");
    expect(accepted).toEqual(expect.arrayContaining([oci, mediaTypes.ociIndex, mediaTypes.dockerIndex]));
  });

  it.each([
    ["the digest that was asked for", other, {}],
    ["the digest that was told", "1", { "docker-content-digest": other }],
  ])("refuses bytes that do not have %s", async (_, reference, headers) => {
    await using server = await startServer(() => ({
      status: 200,
      headers: { "content-type": oci, ...headers },
      body: bytes,
    }));
    await using client = createTestClient();

    const thrown = await thrownBy(() => getManifest(client.repository(server.host), reference, never));

    expect(thrown).toMatchObject({ code: "SOURCE_CONTENT_CORRUPT", retryable: false });
  });

  it("checks a sha512 reference by sha512, whatever else the registry tells", async () => {
    const sha512 = digestOf(bytes, digestSchema.parse(`sha512:${"0".repeat(128)}`));
    await using server = await startServer(() => ({
      status: 200,
      headers: { "content-type": oci, "docker-content-digest": digest },
      body: bytes,
    }));
    await using client = createTestClient();

    expect((await getManifest(client.repository(server.host), sha512, never))?.digest).toBe(sha512);
  });

  it.each([
    [`{"mediaType":"${mediaTypes.dockerManifest}"}`, mediaTypes.dockerManifest],
    ['{"manifests":[]}', mediaTypes.ociIndex],
    ['{"layers":[]}', mediaTypes.ociManifest],
    ["<html>", ""],
  ])("finds the type of %s itself where the registry tells none", async (body, mediaType) => {
    await using server = await startServer(() => ({ status: 200, headers: { "content-type": "text/plain" }, body }));
    await using client = createTestClient();

    expect((await getManifest(client.repository(server.host), "1", never))?.mediaType).toBe(mediaType);
  });

  it("does not check a signed schema 1 manifest against the digest of its payload", async () => {
    const headers = { "content-type": mediaTypes.dockerSchema1Signed, "docker-content-digest": other };
    await using server = await startServer(() => ({ status: 200, headers, body: "{}" }));
    await using client = createTestClient();

    const manifest = await getManifest(client.repository(server.host), "1", never);

    expect(manifest?.mediaType).toBe(mediaTypes.dockerSchema1Signed);
  });

  it("asks again when the answer breaks off", async () => {
    const breaks = truncateBody({ kind: "manifest-get", afterBytes: 10, times: 2 });
    await using registry = await startRegistry({ faults: [breaks] });
    await using client = createTestClient();
    const { root } = await registry.seedImage("team/app", "1", image());

    const manifest = await getManifest(client.repository(registry.host), "1", never);

    expect(manifest?.bytes).toEqual(Buffer.from(root.bytes));
    expect(registry.countRequests({ kind: "manifest-get" })).toBe(3);
  });

  it("throws what may pass when every answer breaks off", async () => {
    await using registry = await startRegistry({ faults: [truncateBody({ kind: "manifest-get", afterBytes: 10 })] });
    await using client = createTestClient({ limits: { attempts: 3 } });
    await registry.seedImage("team/app", "1", image());

    const thrown = await thrownBy(() => getManifest(client.repository(registry.host), "1", never));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: true });
    expect(registry.countRequests({ kind: "manifest-get" })).toBe(3);
  });

  it("reads no more than a manifest may have", async () => {
    await using server = await startServer(() => ({ status: 200, body: Buffer.alloc(maxManifestBytes + 1) }));
    await using client = createTestClient();

    const thrown = await thrownBy(() => getManifest(client.repository(server.host), "1", never));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: false });
  });
});

describe("putManifest", () => {
  const put = async (reply: { status: number; headers?: Record<string, string>; body?: string }) => {
    await using server = await startServer(() => reply);
    await using client = createTestClient();
    const repository = client.repository(server.host, { side: "target" });
    await putManifest(repository, "1", { bytes, mediaType: oci }, never);
    return server.requests;
  };

  it.each([200, 201, 202])("sends these bytes with their type, and takes a %i", async (status) => {
    const [request] = await put({ status, headers: { "docker-content-digest": digest } });

    expect(request?.body.equals(bytes)).toBe(true);
    expect(request?.headers).toMatchObject({ "content-type": oci, "content-length": String(bytes.byteLength) });
  });

  it.each<[string, Record<string, string>, string]>([
    ["Quay, which answers OK and the digest (helm/helm#30987)", { "docker-content-digest": digest }, "OK"],
    ["Artifact Registry, which answers nothing (oras-project/oras-py#144)", { "content-length": "0" }, ""],
  ])("takes the web page that is none of %s", async (_, headers, body) => {
    const html = { "content-type": "text/html; charset=utf-8", ...headers };

    expect(await put({ status: 201, headers: html, body })).toHaveLength(1);
  });

  it("refuses that the registry has stored other bytes", async () => {
    const thrown = await thrownBy(() => put({ status: 201, headers: { "docker-content-digest": other } }));

    expect(thrown).toMatchObject({ code: "TARGET_DIGEST_REJECTED", retryable: false });
  });

  it.each([
    [405, "UNSUPPORTED", "TARGET_LOCKED"],
    [400, "MANIFEST_BLOB_UNKNOWN", "TARGET_CONTENT_MISSING"],
    [400, "MANIFEST_INVALID", "TARGET_DIGEST_REJECTED"],
    [404, "NAME_UNKNOWN", "TARGET_REPOSITORY_MISSING"],
    [413, "", "TARGET_UPLOAD_REJECTED"],
  ])("makes %i %s a %s", async (status, code, expected) => {
    const thrown = await thrownBy(() => put({ status, body: JSON.stringify({ errors: [{ code, message: "" }] }) }));

    expect(thrown).toMatchObject({ code: expected, retryable: false });
  });
});
