import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Digest } from "../../src/digest.ts";
import { referrersTag } from "../../src/registry/referrers.ts";
import { type DockerRegistry, startDockerRegistry } from "../helpers/docker-registry.ts";
import {
  artifact,
  descriptorOf,
  image,
  index,
  multiPlatformImage,
  pushImage,
  type TestImage,
} from "../helpers/images.ts";
import { needs } from "../helpers/needs.ts";
import { startRegistry, type TestRegistry } from "../helpers/registry.ts";
import { type Service, settingsFor, startService } from "../helpers/service.ts";
import { inspectRaw, pullAll } from "../helpers/skopeo.ts";

const types = { signature: "application/vnd.dev.sigstore.bundle.v0.3+json", sbom: "application/spdx+json" } as const;

/** An image for two platforms, with all that may travel along. */
function signedImage(seed: string) {
  const app = multiPlatformImage({ seed });
  const [child] = app.manifests;
  if (child === undefined) throw new Error("the image has no child");
  const text = (name: string) => new TextEncoder().encode(`${seed} ${name}`);
  const childDescriptor = { mediaType: child.mediaType, digest: child.digest, size: child.bytes.byteLength };
  const signature = artifact({ artifactType: types.signature, subject: descriptorOf(app), content: text("signature") });
  const sbom = artifact({ artifactType: types.sbom, subject: childDescriptor, content: text("sbom") });
  const ofSbom = artifact({ artifactType: types.signature, subject: descriptorOf(sbom), content: text("of sbom") });
  const cosign = image({ layers: [text("cosign")], seed: `${seed} cosign` });
  return { app, child, signature, sbom, ofSbom, cosign, sig: cosignTag(app.root.digest, "sig") };
}
type SignedImage = ReturnType<typeof signedImage>;

function cosignTag(digest: Digest, ending: string): string {
  return `${digest.replace(":", "-")}.${ending}`;
}

/** Pushes all of it, with the lists that a client keeps where the registry has no referrers API. */
async function pushSigned(host: string, repository: string, pushed: SignedImage, api: "api" | "tags"): Promise<void> {
  const { app, child, signature, sbom, ofSbom, cosign, sig } = pushed;
  await pushImage(host, repository, "1", app);
  await pushImage(host, repository, sig, cosign);
  const lists: readonly (readonly [Digest, TestImage])[] = [
    [app.root.digest, signature],
    [child.digest, sbom],
    [sbom.root.digest, ofSbom],
  ];
  for (const [subject, referrer] of lists) {
    await pushImage(host, repository, referrer.root.digest, referrer);
    if (api === "tags")
      await pushImage(host, repository, referrersTag(subject), index({ children: [{ image: referrer }] }));
  }
}

describe.runIf(needs("skopeo", "docker-registry"))("an import with referrers", () => {
  const cleanup = new AsyncDisposableStack();
  /** Without the referrers API. */
  let docker: DockerRegistry;
  let otherDocker: DockerRegistry;
  /** With the referrers API. */
  let embedded: TestRegistry;
  let otherEmbedded: TestRegistry;
  let service: Service;

  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), "referrers-"));
    cleanup.defer(() => rm(directory, { recursive: true, force: true }));
    [docker, otherDocker] = await Promise.all([startDockerRegistry(), startDockerRegistry()]);
    [embedded, otherEmbedded] = await Promise.all([
      startRegistry(),
      startRegistry({ behaviour: { missingChildren: "accepted" } }),
    ]);
    for (const registry of [docker, otherDocker, embedded, otherEmbedded]) cleanup.use(registry);
    const all = [docker, otherDocker, embedded, otherEmbedded].map(({ host }) => host).join(",");
    const settings = { ...settingsFor({ source: all, target: all }), DEFAULT_TARGET: docker.host };
    service = await startService({ directory, settings });
    cleanup.use(service);
  });
  afterAll(() => cleanup.disposeAsync());

  const hostOf = (name: string): string => ({ docker, otherDocker, embedded, otherEmbedded })[name]?.host ?? name;

  /** What the registry says refers to a manifest, by its API or by the fallback tag. */
  async function referrersAt(host: string, repository: string, subject: Digest): Promise<readonly string[]> {
    const api = await fetch(`http://${host}/v2/${repository}/referrers/${subject}`);
    const accept = { accept: "application/vnd.oci.image.index.v1+json" };
    const tagged = `http://${host}/v2/${repository}/manifests/${referrersTag(subject)}`;
    const response = api.status === 200 ? api : await fetch(tagged, { headers: accept });
    if (response.status === 404) return [];
    const list: { manifests: { digest: string; artifactType?: string }[] } = JSON.parse(await response.text());
    return list.manifests.map(({ digest, artifactType }) => `${artifactType} ${digest}`).sort();
  }

  async function expectAll(host: string, repository: string, pushed: SignedImage): Promise<void> {
    const { app, child, signature, sbom, ofSbom, cosign, sig } = pushed;
    expect(await referrersAt(host, repository, app.root.digest)).toEqual([
      `${types.signature} ${signature.root.digest}`,
    ]);
    expect(await referrersAt(host, repository, child.digest)).toEqual([`${types.sbom} ${sbom.root.digest}`]);
    expect(await referrersAt(host, repository, sbom.root.digest)).toEqual([`${types.signature} ${ofSbom.root.digest}`]);
    for (const { root } of [app, signature, sbom, ofSbom]) {
      expect(Buffer.from(await inspectRaw(`${host}/${repository}@${root.digest}`))).toEqual(Buffer.from(root.bytes));
    }
    expect(Buffer.from(await inspectRaw(`${host}/${repository}:${sig}`))).toEqual(Buffer.from(cosign.root.bytes));
    await pullAll(`${host}/${repository}:${sig}`);
    await pullAll(`${host}/${repository}:1`);
  }

  it.each([
    ["docker", "tags", "otherDocker"],
    ["docker", "tags", "embedded"],
    ["embedded", "api", "docker"],
    ["embedded", "api", "otherEmbedded"],
  ] as const)("brings all along from %s (%s) to %s", async (from, api, to) => {
    const repository = `all/${from}-${to}`.toLowerCase();
    const pushed = signedImage(repository);
    await pushSigned(hostOf(from), repository, pushed, api);
    const request = { source: `${hostOf(from)}/${repository}:1`, target: hostOf(to), referrers: true };

    const record = await service.importAndWait(request);

    expect(record).toMatchObject({ state: "Succeeded", warnings: [], progress: { manifests: { total: 7, done: 7 } } });
    await expectAll(hostOf(to), repository, pushed);
    const parts = await service.parts(record.id);
    expect(parts.find(({ digest }) => digest === pushed.ofSbom.root.digest)).toMatchObject({
      kind: "manifest",
      state: "done",
      artifactType: types.signature,
      referrerOf: pushed.sbom.root.digest,
    });
    expect(parts.find(({ digest }) => digest === pushed.cosign.root.digest)).toMatchObject({ tags: [pushed.sig] });

    const again = await service.importAndWait({ ...request, conflict: "skipIfSame" });
    expect(again).toMatchObject({ state: "Skipped" });
  });

  it("brings new referrers to an image that is there already", async () => {
    const pushed = signedImage("later");
    const request = {
      source: `${docker.host}/later/app:1`,
      target: otherDocker.host,
      conflict: "skipIfSame",
      referrers: true,
    };
    await pushImage(docker.host, "later/app", "1", pushed.app);
    expect(await service.importAndWait(request)).toMatchObject({ state: "Succeeded" });
    await pushSigned(docker.host, "later/app", pushed, "tags");

    expect(await service.importAndWait(request)).toMatchObject({ state: "Succeeded" });

    await expectAll(otherDocker.host, "later/app", pushed);
  });

  it("brings only the types that are asked for", async () => {
    const pushed = signedImage("filter");
    await pushSigned(embedded.host, "filter/app", pushed, "api");

    const record = await service.importAndWait({
      source: `${embedded.host}/filter/app:1`,
      target: docker.host,
      referrers: { artifactTypes: [types.sbom] },
    });

    expect(record).toMatchObject({ state: "Succeeded", progress: { manifests: { total: 4 } } });
    const { app, child, sbom } = pushed;
    expect(await referrersAt(docker.host, "filter/app", child.digest)).toEqual([`${types.sbom} ${sbom.root.digest}`]);
    expect(await referrersAt(docker.host, "filter/app", app.root.digest)).toEqual([]);
    expect(await referrersAt(docker.host, "filter/app", sbom.root.digest)).toEqual([]);
  });

  it("leaves the referrers of a rewritten index behind, with a warning, and brings those of its children", async () => {
    const pushed = signedImage("rewritten");
    await pushSigned(embedded.host, "rewritten/app", pushed, "api");

    const record = await service.importAndWait({
      source: `${embedded.host}/rewritten/app:1`,
      target: docker.host,
      platforms: ["linux/amd64"],
      referrers: true,
    });

    expect(record.state).toBe("Succeeded");
    expect(record.warnings).toEqual([expect.stringContaining("2 referrers of")]);
    const { child, sbom } = pushed;
    expect(await referrersAt(docker.host, "rewritten/app", child.digest)).toEqual([
      `${types.sbom} ${sbom.root.digest}`,
    ]);
  });

  it("keeps the referrers of a sparse index, in tagged and untagged repositories", async () => {
    const pushed = signedImage("sparse");
    await pushSigned(docker.host, "sparse/app", pushed, "tags");

    const record = await service.importAndWait({
      source: `${docker.host}/sparse/app:1`,
      target: otherEmbedded.host,
      targetTags: ["sparse/one:1"],
      untaggedTargetRepositories: ["sparse/two"],
      platforms: ["linux/amd64"],
      sparseIndex: true,
      referrers: true,
    });

    expect(record).toMatchObject({ state: "Succeeded", warnings: [] });
    for (const repository of ["sparse/one", "sparse/two"]) {
      const found = await referrersAt(otherEmbedded.host, repository, pushed.app.root.digest);
      expect(found).toEqual([`${types.signature} ${pushed.signature.root.digest}`]);
      expect(otherEmbedded.tags(repository)[pushed.sig]).toBe(pushed.cosign.root.digest);
    }
  });

  it("loses no referrer of one subject that two imports bring at once", async () => {
    const app = image({ seed: "two writers" });
    const signatures = ["one", "two"].map((name) =>
      artifact({ artifactType: types.signature, subject: descriptorOf(app), content: new TextEncoder().encode(name) }),
    );
    const sources = [embedded, otherEmbedded];
    for (const [at, source] of sources.entries()) {
      await pushImage(source.host, "two/app", "1", app);
      const signature = signatures[at];
      if (signature) await pushImage(source.host, "two/app", signature.root.digest, signature);
    }

    const ends = await Promise.all(
      sources.map(({ host }, at) =>
        service.importAndWait({
          source: `${host}/two/app:1`,
          target: docker.host,
          targetTags: [`two/app:${at}`],
          referrers: true,
        }),
      ),
    );

    expect(ends.map(({ state }) => state)).toEqual(["Succeeded", "Succeeded"]);
    const want = signatures.map(({ root }) => `${types.signature} ${root.digest}`).sort();
    expect(await referrersAt(docker.host, "two/app", app.root.digest)).toEqual(want);
  });

  it("unites signatures under a cosign tag and never fails because of it", async () => {
    const pushed = signedImage("united");
    await pushSigned(docker.host, "united/app", pushed, "tags");
    const theirs = image({ layers: [new TextEncoder().encode("by the target's owner")], seed: "theirs" });
    await pushImage(otherDocker.host, "united/app", pushed.sig, theirs);

    const record = await service.importAndWait({
      source: `${docker.host}/united/app:1`,
      target: otherDocker.host,
      conflict: "fail",
      referrers: true,
    });

    expect(record.state).toBe("Succeeded");
    const raw = new TextDecoder().decode(await inspectRaw(`${otherDocker.host}/united/app:${pushed.sig}`));
    const united: { layers: { digest: string }[] } = JSON.parse(raw);
    const layers = [theirs, pushed.cosign].map(({ blobs }) => blobs[1]?.descriptor.digest);
    expect(united.layers.map(({ digest }) => digest)).toEqual(layers);
    await pullAll(`${otherDocker.host}/united/app:${pushed.sig}`);
  });

  it("follows tags that lead in a circle only once", async () => {
    const [one, two] = [image({ seed: "circle one" }), image({ seed: "circle two" })];
    await pushImage(embedded.host, "circle/app", "1", one);
    await pushImage(embedded.host, "circle/app", cosignTag(one.root.digest, "sig"), two);
    await pushImage(embedded.host, "circle/app", cosignTag(two.root.digest, "sig"), one);

    const record = await service.importAndWait({
      source: `${embedded.host}/circle/app:1`,
      target: docker.host,
      referrers: true,
    });

    expect(record).toMatchObject({ state: "Succeeded", progress: { manifests: { total: 2, done: 2 } } });
    const raw = await inspectRaw(`${docker.host}/circle/app:${cosignTag(two.root.digest, "sig")}`);
    expect(Buffer.from(raw)).toEqual(Buffer.from(one.root.bytes));
  });

  it("shows in a plan what would travel along", async () => {
    const pushed = signedImage("planned");
    await pushSigned(docker.host, "planned/app", pushed, "tags");

    const answer = await service.post({
      source: `${docker.host}/planned/app:1`,
      target: otherDocker.host,
      referrers: true,
      dryRun: true,
    });

    expect(answer.status).toBe(200);
    const { root } = pushed.signature;
    expect(JSON.parse(answer.text).parts).toContainEqual(
      expect.objectContaining({ digest: root.digest, referrerOf: pushed.app.root.digest, action: "copy" }),
    );
  });
});
