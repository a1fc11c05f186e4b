import { describe, expect, it } from "vitest";
import { type Digest, digestOf } from "../../../src/digest.ts";
import { referrersTag } from "../../../src/registry/referrers.ts";
import { createReadManifest } from "../../../src/transfer/read-manifest.ts";
import { type ReferrersRequest, walkReferrers } from "../../../src/transfer/walk-referrers.ts";
import { emptyReferrers, ignoresFilters, pagedReferrers } from "../../helpers/faults-referrers.ts";
import { artifact, descriptorOf, image, index, type TestImage } from "../../helpers/images.ts";
import { startRegistry, type TestRegistry, type TestRegistryOptions } from "../../helpers/registry.ts";
import { createKit } from "./transfer-kit.ts";

const app = image({ seed: "app" });
const about = (subject: TestImage, artifactType: string, name = artifactType): TestImage =>
  artifact({ artifactType, subject: descriptorOf(subject), content: new TextEncoder().encode(name) });

async function seeded(images: readonly TestImage[], options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const registry = await startRegistry(options);
  for (const each of [app, ...images]) await registry.seedImage("team/app", undefined, each);
  return registry;
}

async function walk(registry: TestRegistry, more: Partial<ReferrersRequest> = {}) {
  await using kit = createKit();
  const source = kit.repository(registry, "source", "team/app");
  const request = {
    source,
    readManifest: createReadManifest(source),
    image: [app.root.digest],
    rewritten: [],
    artifactTypes: undefined,
  };
  return await walkReferrers({ ...request, foreignLayers: "auto", ...more }, new AbortController().signal);
}

const digests = (images: readonly TestImage[]): readonly Digest[] => images.map(({ root }) => root.digest);

describe("walkReferrers", () => {
  it("publishes subjects before what refers to them, and children before their index", async () => {
    const sbom = about(app, "a/sbom");
    const child = image({ seed: "child" });
    const bundle = index({ children: [{ image: child }], subject: descriptorOf(sbom), artifactType: "a/bundle" });
    const stamp = about(bundle, "a/stamp");
    await using registry = await seeded([sbom, bundle, stamp]);

    const { levels, subjects, manifests, tags, warnings } = await walk(registry);

    expect(levels).toEqual([digests([sbom]), digests([child]), digests([bundle]), digests([stamp])]);
    expect(subjects).toEqual(new Set(digests([app, sbom, bundle])));
    expect(manifests.find(({ digest }) => digest === bundle.root.digest)).toMatchObject({
      artifactType: "a/bundle",
      referrerOf: sbom.root.digest,
    });
    expect([tags, warnings]).toEqual([new Map(), []]);
  });

  it("asks for the API once where it is missing", async () => {
    const [one, two] = [about(app, "a/one"), about(app, "a/two")];
    await using registry = await seeded([one, two], { behaviour: { referrers: "missing" } });
    const children = [{ image: one }, { image: two }];
    await registry.seedImage("team/app", referrersTag(app.root.digest), index({ children }));

    const { levels } = await walk(registry);

    expect(levels).toEqual([digests([one, two])]);
    expect(registry.countRequests({ kind: "referrers" })).toBe(1);
  });

  it("looks at the fallback tag when the API lists nothing", async () => {
    const one = about(app, "a/one");
    await using registry = await seeded([one], { faults: [emptyReferrers()] });
    await registry.seedImage("team/app", referrersTag(app.root.digest), index({ children: [{ image: one }] }));

    expect((await walk(registry)).levels).toEqual([digests([one])]);
  });

  it.each([
    ["all at once", []],
    ["in pages", [pagedReferrers(1)]],
    ["unfiltered", [ignoresFilters()]],
  ])("leaves out other types from a list that comes %s", async (_, faults) => {
    const [sbom, other] = [about(app, "a/sbom"), about(app, "a/other")];
    await using registry = await seeded([sbom, other, about(sbom, "a/other", "of the SBOM")], { faults });

    const { levels } = await walk(registry, { artifactTypes: ["a/sbom"] });

    expect(levels).toEqual([digests([sbom])]);
    expect(registry.countRequests({ kind: "manifest-get", reference: other.root.digest })).toBe(0);
  });

  it("takes what a cosign tag holds by the type of a layer", async () => {
    const cosign = image({ seed: "cosign" });
    await using registry = await seeded([]);
    const tag = `${app.root.digest.replace(":", "-")}.sig`;
    await registry.seedImage("team/app", tag, cosign);

    const wanted = await walk(registry, { artifactTypes: ["application/vnd.oci.image.layer.v1.tar+gzip"] });
    const unwanted = await walk(registry, { artifactTypes: ["a/sbom"] });

    expect([wanted.levels, wanted.tags]).toEqual([[digests([cosign])], new Map([[cosign.root.digest, [tag]]])]);
    expect([unwanted.levels, unwanted.tags]).toEqual([[], new Map()]);
  });

  it("leaves out with a warning what is not there, what is about something else, and what is no list", async () => {
    const gone = about(app, "a/gone");
    const stranger = about(image({ seed: "another" }), "a/stranger");
    const fine = about(app, "a/fine");
    await using registry = await seeded([stranger, fine], { behaviour: { referrers: "missing" } });
    const children = [gone, stranger, fine].map((each) => ({ image: each }));
    await registry.seedImage("team/app", referrersTag(app.root.digest), {
      ...index({ children }),
      manifests: [index({ children }).root],
      blobs: [],
    });
    await registry.seedImage("team/app", referrersTag(fine.root.digest), image({ seed: "no list" }));

    const { levels, warnings } = await walk(registry);

    expect(levels).toEqual([digests([fine])]);
    expect(warnings).toHaveLength(3);
    for (const { root } of [gone, stranger]) expect(warnings.join()).toContain(root.digest);
  });

  it("warns of what belongs to an index that is rewritten, once there is any", async () => {
    const original = image({ seed: "original" });
    await using registry = await seeded([original]);
    const request = { rewritten: [{ digest: app.root.digest, original: original.root.digest }] };

    expect((await walk(registry, request)).warnings).toEqual([]);
    await registry.seedImage("team/app", undefined, about(original, "a/sbom"));
    expect((await walk(registry, request)).warnings).toEqual([expect.stringContaining("1 referrer of")]);
  });

  it("gives up on a chain without end, and on too many", async () => {
    const chain = [app];
    for (let at = 0; at < 10; at += 1) chain.push(about(chain.at(-1) ?? app, "a/link"));
    await using deep = await seeded(chain.slice(1));
    await using wide = await seeded([]);
    const many = Array.from({ length: 1_001 }, (_, at) => {
      const digest = digestOf(new TextEncoder().encode(String(at)));
      return { mediaType: app.root.mediaType, digest, size: 1 };
    });
    const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, manifests: many }));
    wide.addFault({
      name: "many",
      apply: async (call, next) =>
        call.route.kind === "referrers"
          ? { kind: "answer", status: 200, headers: { "content-type": "application/json" }, body: bytes }
          : await next(call),
    });

    const want = { code: "NOT_SUPPORTED", side: "source" };
    await expect(walk(deep)).rejects.toMatchObject(want);
    await expect(walk(wide)).rejects.toMatchObject(want);
  });
});
