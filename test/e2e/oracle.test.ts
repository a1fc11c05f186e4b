import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Digest, digestOf } from "../../src/digest.ts";
import { type DockerRegistry, startDockerRegistry } from "../helpers/docker-registry.ts";
import {
  artifact,
  attestation,
  helmChart,
  image,
  index,
  multiPlatformImage,
  pushImage,
  type TestImage,
} from "../helpers/images.ts";
import { needs } from "../helpers/needs.ts";
import { startRegistry, type TestRegistry } from "../helpers/registry.ts";
import { type Service, settingsFor, startService } from "../helpers/service.ts";
import { blobsOf, type InspectedImage, inspectRaw, inspectTree, pullAll } from "../helpers/skopeo.ts";

/** Debian's docker-registry holds the images, and skopeo says what it holds. */
describe.runIf(needs("skopeo", "docker-registry"))("import between two docker-registry processes", () => {
  const cleanup = new AsyncDisposableStack();
  let source: DockerRegistry;
  let target: DockerRegistry;
  /** Takes an index whose children are not all there. */
  let lenient: TestRegistry;
  let service: Service;

  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), "oracle-"));
    cleanup.defer(() => rm(directory, { recursive: true, force: true }));
    [source, target] = await Promise.all([startDockerRegistry(), startDockerRegistry()]);
    cleanup.use(source);
    cleanup.use(target);
    lenient = cleanup.use(await startRegistry({ behaviour: { missingChildren: "accepted" } }));
    const settings = settingsFor({ source: source.host, target: `${target.host},${lenient.host}` });
    service = await startService({ directory, settings: { ...settings, DEFAULT_TARGET: target.host } });
    cleanup.use(service);
  });
  afterAll(() => cleanup.disposeAsync());

  /** Pushes an image to the source and imports it under the same name. */
  async function importWhole(repository: string, pushed: TestImage) {
    await pushImage(source.host, repository, "1", pushed);
    const record = await service.importAndWait({ source: `${source.host}/${repository}:1` });
    expect(record).toMatchObject({ state: "Succeeded", target: { digest: pushed.root.digest } });
    return record;
  }

  /** The same manifests byte for byte, all the way down, and each blob with the bytes of its digest. */
  async function expectSame(repository: string, targetRepository = repository): Promise<void> {
    const [copied, original] = await Promise.all([
      inspectTree(`${target.host}/${targetRepository}:1`),
      inspectTree(`${source.host}/${repository}:1`),
    ]);
    expect(copied).toEqual(original);
    await expectBlobs(targetRepository, copied);
  }

  async function expectBlobs(repository: string, copied: InspectedImage): Promise<void> {
    await Promise.all(blobsOf(copied).map((digest) => expectBlob(repository, digest)));
  }

  async function expectBlob(repository: string, digest: Digest): Promise<void> {
    const response = await fetch(`http://${target.host}/v2/${repository}/blobs/${digest}`);
    expect(response.status, `blob ${digest} of ${repository}`).toBe(200);
    expect(digestOf(new Uint8Array(await response.arrayBuffer()), digest)).toBe(digest);
  }

  async function statusOf(host: string, path: string): Promise<number> {
    const accept = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json";
    const response = await fetch(`http://${host}/v2/${path}`, { method: "HEAD", headers: { accept } });
    return response.status;
  }

  it("copies a nested index with attestations byte for byte", async () => {
    const inner = multiPlatformImage({ attestations: "perPlatform", sharedLayers: [5_000], seed: "nested" });
    const other = image({ platform: { os: "windows", architecture: "amd64", "os.version": "10.0.20348.1" } });
    const nested = index({ children: [{ image: inner }, { image: other }, attestation(other)] });

    const record = await importWhole("nested/app", nested);

    await expectSame("nested/app");
    expect(record.progress?.manifests).toEqual({ total: nested.manifests.length, done: nested.manifests.length });
    expect(record.progress?.blobs).toEqual({ total: nested.blobs.length, done: nested.blobs.length });
  });

  it("copies a multi-platform image that skopeo then pulls whole", async () => {
    await importWhole("multi/app", multiPlatformImage({ sharedLayers: [70_000], layers: [20_000, 300] }));

    await expectSame("multi/app");
    await pullAll(`${target.host}/multi/app:1`);
  });

  it("copies a Docker v2 image that skopeo then pulls whole", async () => {
    await importWhole("docker/app", image({ format: "docker", layers: [10_000, 500] }));

    await expectSame("docker/app");
    await pullAll(`${target.host}/docker/app:1`);
  });

  it("copies a Docker manifest list", async () => {
    await importWhole("docker/list", multiPlatformImage({ format: "docker", seed: "docker list" }));

    await expectSame("docker/list");
  });

  it("copies a Helm chart and an artifact with the empty config", async () => {
    await importWhole("charts/web", helmChart({ name: "web" }));
    await importWhole("artifacts/sbom", artifact({ artifactType: "application/spdx+json" }));
    await importWhole("artifacts/plain", artifact({ artifactType: "text/plain", emptyConfig: "plain" }));

    await expectSame("charts/web");
    await expectSame("artifacts/sbom");
    await expectSame("artifacts/plain");
  });

  it("copies shared, repeated and empty layers", async () => {
    const empty = new Uint8Array(0);
    const layer = image({ layers: [4_000], seed: "repeated" }).blobs[1]?.content ?? empty;
    const repeated = image({ layers: [layer, empty, layer, empty], seed: "repeated" });
    const sibling = image({ layers: [layer, 700], seed: "sibling" });
    const both = index({ children: [{ image: repeated }, { image: sibling }] });

    await importWhole("layers/app", both);

    await expectSame("layers/app");
  });

  it("copies an image of several units of work", async () => {
    const layers = Array.from({ length: 40 }, (_, at) => 1_000 + at);
    await importWhole("units/app", image({ layers, seed: "units" }));

    await expectSame("units/app");
  });

  it("fills several tags and repositories, with and without tag", async () => {
    const pushed = multiPlatformImage({ seed: "several" });
    await pushImage(source.host, "several/app", "1", pushed);

    const record = await service.importAndWait({
      source: `${source.host}/several/app:1`,
      targetTags: ["several/one:1", "several/one:latest", "several/two:1"],
      untaggedTargetRepositories: ["several/three"],
    });

    expect(record.state).toBe("Succeeded");
    for (const reference of ["several/one:1", "several/one:latest", "several/two:1"])
      expect(digestOf(await inspectRaw(`${target.host}/${reference}`))).toBe(pushed.root.digest);
    await expectSame("several/app", "several/two");
    const untagged = await inspectTree(`${target.host}/several/three@${pushed.root.digest}`);
    await expectBlobs("several/three", untagged);
    const tags = await fetch(`http://${target.host}/v2/several/three/tags/list`);
    expect(await tags.text()).not.toContain("1");
  });

  it("copies a digest without a tag, and a tagged digest under its tag", async () => {
    const pushed = image({ seed: "by digest" });
    await pushImage(source.host, "digest/app", "old", pushed);
    const { digest } = pushed.root;

    const untagged = await service.importAndWait({ source: `${source.host}/digest/app@${digest}` });
    const tagged = await service.importAndWait({ source: `${source.host}/digest/app:kept@${digest}` });

    expect(untagged).toMatchObject({ state: "Succeeded", target: { tags: [], untaggedRepositories: ["digest/app"] } });
    expect(digestOf(await inspectRaw(`${target.host}/digest/app@${digest}`))).toBe(digest);
    expect(tagged).toMatchObject({ state: "Succeeded", target: { tags: ["digest/app:kept"] } });
    expect(digestOf(await inspectRaw(`${target.host}/digest/app:kept`))).toBe(digest);
  });

  it("leaves platforms out of a rewritten index, and their attestations with them", async () => {
    const pushed = multiPlatformImage({ attestations: "perPlatform", seed: "rewritten" });
    await pushImage(source.host, "rewritten/app", "1", pushed);

    const record = await service.importAndWait({
      source: `${source.host}/rewritten/app:1`,
      platforms: ["linux/arm64"],
    });

    expect(record.state).toBe("Succeeded");
    const whole = await inspectTree(`${source.host}/rewritten/app:1`);
    const copied = await inspectTree(`${target.host}/rewritten/app:1`);
    const [amd64, arm64, amd64Attestation, arm64Attestation] = whole.children;
    expect(copied.digest).toBe(record.target?.digest);
    expect(copied.digest).not.toBe(whole.digest);
    expect(copied.children).toEqual([arm64, arm64Attestation]);
    await expectBlobs("rewritten/app", copied);
    for (const left of [amd64, amd64Attestation])
      expect(await statusOf(target.host, `rewritten/app/manifests/${left?.digest}`)).toBe(404);
  });

  it("keeps the bytes of a sparse index, and leaves the other platforms out", async () => {
    const pushed = multiPlatformImage({ attestations: "perPlatform", seed: "sparse taken" });
    await pushImage(source.host, "sparse/taken", "1", pushed);

    const record = await service.importAndWait({
      source: `${source.host}/sparse/taken:1`,
      target: lenient.host,
      platforms: ["linux/arm64"],
      sparseIndex: true,
    });

    expect(record).toMatchObject({ state: "Succeeded", target: { digest: pushed.root.digest } });
    const whole = await inspectTree(`${source.host}/sparse/taken:1`);
    const [amd64, arm64, amd64Attestation, arm64Attestation] = whole.children;
    const left = [amd64, amd64Attestation].flatMap((child) => (child === undefined ? [] : [child.digest]));
    const copied = await inspectTree(`${lenient.host}/sparse/taken:1`, left);
    expect(copied.text).toBe(whole.text);
    expect(copied.children).toEqual([arm64, arm64Attestation]);
    for (const digest of left) expect(await lenient.readManifest("sparse/taken", digest)).toBeUndefined();
  });

  it("says so when the target refuses a sparse index, and sets no tag", async () => {
    const pushed = multiPlatformImage({ seed: "sparse" });
    await pushImage(source.host, "sparse/app", "1", pushed);

    const record = await service.importAndWait({
      source: `${source.host}/sparse/app:1`,
      platforms: ["linux/arm64"],
      sparseIndex: true,
    });

    expect(record).toMatchObject({ state: "Failed", error: { code: "TARGET_SPARSE_REFUSED", side: "target" } });
    expect(await statusOf(target.host, "sparse/app/manifests/1")).toBe(404);
  });

  it("puts another tag on an image of the same registry without moving a byte", async () => {
    const pushed = multiPlatformImage({ seed: "retag" });
    await pushImage(target.host, "retag/dev", "1", pushed);

    const record = await service.importAndWait({
      source: `${target.host}/retag/dev:1`,
      targetTags: ["retag/dev:promoted", "retag/prod:1"],
    });

    expect(record).toMatchObject({ state: "Succeeded", progress: { bytes: { copied: 0 } } });
    expect(digestOf(await inspectRaw(`${target.host}/retag/dev:promoted`))).toBe(pushed.root.digest);
    expect(await inspectTree(`${target.host}/retag/prod:1`)).toEqual(await inspectTree(`${target.host}/retag/dev:1`));
    await pullAll(`${target.host}/retag/prod:1`);
  });

  it("fails, skips or overwrites where the tag is taken", async () => {
    const [first, second] = [image({ seed: "first" }), image({ seed: "second" })];
    await importWhole("taken/app", first);
    await pushImage(source.host, "taken/app", "1", second);
    const request = { source: `${source.host}/taken/app:1` };
    const tagged = async () => digestOf(await inspectRaw(`${target.host}/taken/app:1`));

    const failed = await service.importAndWait(request);
    const other = await service.importAndWait({ ...request, conflict: "skipIfSame" });
    const refusedDigest = await tagged();
    const moved = await service.importAndWait({ ...request, mode: "Force" });
    const movedDigest = await tagged();
    const same = await service.importAndWait({ ...request, conflict: "skipIfSame" });

    expect(failed).toMatchObject({ state: "Failed", error: { code: "TARGET_TAG_EXISTS" } });
    expect(other).toMatchObject({ state: "Failed", error: { code: "TARGET_TAG_EXISTS" } });
    expect(refusedDigest).toBe(first.root.digest);
    expect(moved.state).toBe("Succeeded");
    expect(movedDigest).toBe(second.root.digest);
    expect(same).toMatchObject({ state: "Skipped", target: { digest: second.root.digest } });
  });

  it("plans a dry run and writes nothing", async () => {
    const pushed = multiPlatformImage({ seed: "dry" });
    await pushImage(source.host, "dry/app", "1", pushed);

    const planned = await service.post({ source: `${source.host}/dry/app:1`, dryRun: true });

    expect(planned.status).toBe(200);
    expect(planned.text).toContain(pushed.root.digest);
    expect(await statusOf(target.host, "dry/app/manifests/1")).toBe(404);
    const list = await service.request("GET", `/api/imports?source=${source.host}&limit=200`);
    const page = z.looseObject({
      imports: z.array(z.looseObject({ source: z.looseObject({ repository: z.string() }) })),
    });
    const repositories = page.parse(JSON.parse(list.text)).imports.map((one) => one.source.repository);
    expect(repositories).not.toContain("dry/app");
  });

  it("skips only what skopeo can pull: brings in again what was lost behind the tag", async () => {
    const pushed = multiPlatformImage({ sharedLayers: [70_000], layers: [20_000], seed: "garbage" });
    await importWhole("garbage/app", pushed);
    const again = { source: `${source.host}/garbage/app:1`, conflict: "skipIfSame" };
    expect(await service.importAndWait(again)).toMatchObject({ state: "Skipped" });
    const [blob] = pushed.blobs;
    const [child] = pushed.manifests;
    if (blob === undefined || child === undefined) throw new Error("the image has neither blobs nor children");
    await target.loseContent(blob.descriptor.digest);
    await target.loseContent(child.digest);

    const record = await service.importAndWait(again);

    expect(record).toMatchObject({ state: "Succeeded", progress: { blobs: { done: pushed.blobs.length } } });
    await expectSame("garbage/app");
    await pullAll(`${target.host}/garbage/app:1`);
    expect(await service.importAndWait(again)).toMatchObject({ state: "Skipped" });
  });

  it("names what is not there", async () => {
    const record = await service.importAndWait({ source: `${source.host}/no/such:1` });

    expect(record).toMatchObject({ state: "Failed", error: { code: "SOURCE_NOT_FOUND", side: "source" } });
  });
});
