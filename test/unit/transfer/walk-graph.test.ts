import { describe, expect, it } from "vitest";
import { mediaTypes } from "../../../src/descriptor.ts";
import { createReadManifest } from "../../../src/transfer/read-manifest.ts";
import { type WalkRequest, walkGraph } from "../../../src/transfer/walk-graph.ts";
import {
  artifact,
  artifactManifest,
  descriptorOf,
  image,
  index,
  manifestOf,
  multiPlatformImage,
  schema1Image,
  type TestImage,
  type TestManifest,
  testBlob,
  testBytes,
} from "../../helpers/images.ts";
import { startRegistry, type TestRegistry } from "../../helpers/registry.ts";
import { createKit } from "./transfer-kit.ts";

async function walk(registry: TestRegistry, root: TestManifest, more: Partial<WalkRequest> = {}) {
  await using kit = createKit();
  const source = kit.repository(registry, "source", "team/app");
  const request: WalkRequest = {
    source,
    readManifest: createReadManifest(source),
    root,
    foreignLayers: "auto",
    selectChildren: ({ children }) => children,
    ...more,
  };
  return await walkGraph(request, new AbortController().signal);
}

function digestsOf(things: readonly { readonly digest: string }[]): readonly string[] {
  return things.map(({ digest }) => digest).sort();
}

async function seeded(seed: TestImage): Promise<TestRegistry> {
  const registry = await startRegistry();
  await registry.seedImage("team/app", "1", seed);
  return registry;
}

describe("walkGraph", () => {
  it("finds every manifest and blob of an index once, children before parents", async () => {
    const seed = multiPlatformImage({ platforms: ["linux/amd64", "linux/arm64/v8"], sharedLayers: [500] });
    await using registry = await seeded(seed);

    const { manifests, blobs, levels, warnings } = await walk(registry, seed.root);

    expect(digestsOf(manifests)).toEqual(digestsOf(seed.manifests));
    expect(digestsOf(blobs)).toEqual([...new Set(seed.blobs.map(({ descriptor }) => descriptor.digest))].sort());
    expect(levels.flat().sort()).toEqual(digestsOf(manifests).filter((digest) => digest !== seed.root.digest));
    expect(manifests.map(({ platform }) => platform)).toContainEqual({
      os: "linux",
      architecture: "arm64",
      variant: "v8",
    });
    expect(warnings).toEqual([]);
    expect(registry.countRequests({ kind: "manifest-get" })).toBe(manifests.length - 1);
  });

  it("publishes what a nested index needs before the index", async () => {
    const leaf = image({ seed: "leaf" });
    const inner = index({ children: [{ image: leaf }] });
    const outer = index({ children: [{ image: inner }, { image: leaf }] });
    await using registry = await seeded(outer);

    const { levels } = await walk(registry, outer.root);

    expect(levels).toEqual([[leaf.root.digest], [inner.root.digest]]);
    expect(registry.countRequests({ kind: "manifest-get" })).toBe(2);
  });

  it("leaves out children that are not selected, and what only they need", async () => {
    const wanted = image({ seed: "wanted" });
    const other = image({ seed: "other" });
    const seed = index({ children: [{ image: wanted }, { image: other }] });
    await using registry = await seeded(seed);

    const { manifests, blobs } = await walk(registry, seed.root, {
      selectChildren: ({ children }) => children.filter(({ digest }) => digest === wanted.root.digest),
    });

    expect(digestsOf(manifests)).toEqual([seed.root.digest, wanted.root.digest].sort());
    expect(digestsOf(blobs)).toEqual(wanted.blobs.map(({ descriptor }) => descriptor.digest).sort());
  });

  it("treats an entry of an index that is no manifest as content", async () => {
    const layer = testBlob(testBytes(300, "cache"), "application/vnd.oci.image.layer.v1.tar+gzip");
    const root = manifestOf(mediaTypes.ociIndex, { schemaVersion: 2, manifests: [layer.descriptor] });
    await using registry = await startRegistry();

    const { manifests, blobs, levels } = await walk(registry, root);

    expect(digestsOf(manifests)).toEqual([root.digest]);
    expect(digestsOf(blobs)).toEqual([layer.descriptor.digest]);
    expect(levels).toEqual([]);
  });

  it("knows inline and empty content without asking", async () => {
    const seed = artifact({ artifactType: "application/vnd.test", emptyConfig: "inline" });
    await using registry = await seeded(seed);

    const { blobs } = await walk(registry, seed.root);

    const empty = blobs.find(({ mediaType }) => mediaType === mediaTypes.ociEmpty);
    expect(Buffer.from(empty?.inline ?? []).toString()).toBe("{}");
  });

  it("follows neither the subject of a referrer nor misses the blobs of an artifact manifest", async () => {
    const subject = image({ seed: "subject" });
    const seed = artifactManifest({ artifactType: "application/vnd.test", subject: descriptorOf(subject) });
    await using registry = await seeded(seed);

    const { manifests, blobs } = await walk(registry, seed.root);

    expect(manifests).toHaveLength(1);
    expect(digestsOf(blobs)).toEqual(seed.blobs.map(({ descriptor }) => descriptor.digest).sort());
  });

  describe("with foreign layers", () => {
    const layer = testBlob(testBytes(400, "windows"), "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
    const config = testBlob(testBytes(50, "config"), "application/vnd.docker.container.image.v1+json");
    const root = manifestOf(mediaTypes.dockerManifest, {
      schemaVersion: 2,
      config: config.descriptor,
      layers: [{ ...layer.descriptor, urls: ["https://example.com/layer"] }],
    });

    it("copies what the source itself serves", async () => {
      await using registry = await startRegistry();
      await registry.seedBlob({ repository: "team/app", content: layer.content });

      const { blobs, warnings } = await walk(registry, root);

      expect(digestsOf(blobs)).toContain(layer.descriptor.digest);
      expect(warnings).toEqual([]);
    });

    it("leaves out what the source lacks, and says so", async () => {
      await using registry = await startRegistry();

      const { blobs, warnings } = await walk(registry, root);

      expect(digestsOf(blobs)).toEqual([config.descriptor.digest]);
      expect(warnings).toEqual([expect.stringContaining(layer.descriptor.digest)]);
    });

    it("leaves them out unasked when they are to be skipped", async () => {
      await using registry = await startRegistry();

      const { blobs } = await walk(registry, root, { foreignLayers: "skip" });

      expect(digestsOf(blobs)).toEqual([config.descriptor.digest]);
      expect(registry.countRequests({ kind: "blob-head" })).toBe(0);
    });
  });

  const layerOf = (properties: Readonly<Record<string, unknown>>) =>
    manifestOf(mediaTypes.ociManifest, {
      schemaVersion: 2,
      layers: [{ ...testBlob(testBytes(9, "x"), "text/plain").descriptor, ...properties }],
    });
  it.each([
    ["schema 1", schema1Image().root, "UNSUPPORTED_MEDIA_TYPE"],
    ["what is no JSON", { ...image().root, bytes: testBytes(20, "noise") }, "SOURCE_CONTENT_CORRUPT"],
    ["a digest of an unknown kind", layerOf({ digest: "md5:abc" }), "SOURCE_CONTENT_CORRUPT"],
    ["a negative size", layerOf({ size: -1 }), "SOURCE_CONTENT_CORRUPT"],
    ["inline data of another digest", layerOf({ data: "AAAAAAAAAAAA" }), "SOURCE_CONTENT_CORRUPT"],
    ["inline data that is not base64", layerOf({ data: "?" }), "SOURCE_CONTENT_CORRUPT"],
    [
      "a document that is an index and an image",
      manifestOf(mediaTypes.ociIndex, { schemaVersion: 2, manifests: [], layers: [] }),
      "SOURCE_CONTENT_CORRUPT",
    ],
  ])("refuses %s", async (_, root, code) => {
    await using registry = await startRegistry();

    await expect(walk(registry, root)).rejects.toMatchObject({ code, side: "source", registry: registry.host });
  });

  it("names the manifest that an index lists and the source lacks", async () => {
    const lost = image({ seed: "lost" });
    const { root } = index({ children: [{ image: lost }] });
    await using registry = await startRegistry();

    await expect(walk(registry, root)).rejects.toMatchObject({
      code: "SOURCE_NOT_FOUND",
      message: expect.stringContaining(lost.root.digest),
    });
  });

  it("refuses more manifests than memory is meant for before it asks for the first of them", async () => {
    const child = (seed: string) => ({ ...descriptorOf(image({ seed })), size: 4_000_000 });
    const manifests = Array.from({ length: 40 }, (_, at) => child(String(at)));
    const root = manifestOf(mediaTypes.ociIndex, { schemaVersion: 2, manifests });
    await using registry = await startRegistry();

    await expect(walk(registry, root)).rejects.toMatchObject({ code: "NOT_SUPPORTED", side: "source" });
    expect(registry.requests).toEqual([]);
  });

  it("refuses a graph that is too deep", async () => {
    let seed = image();
    for (let depth = 0; depth < 9; depth += 1) seed = index({ children: [{ image: seed }] });
    await using registry = await seeded(seed);

    await expect(walk(registry, seed.root)).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
  });
});
