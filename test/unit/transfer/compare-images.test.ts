import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parsePlatform } from "../../../src/domain/platform.ts";
import { refusal } from "../../../src/local/registry/call.ts";
import { createByteBudget } from "../../../src/transfer/byte-budget.ts";
import { type CompareRequest, createCompareImages } from "../../../src/transfer/compare-images.ts";
import { fault } from "../../helpers/faults.ts";
import { failing } from "../../helpers/faults-any.ts";
import { corruptByte } from "../../helpers/faults-source.ts";
import { artifact, image, index, multiPlatformImage, type TestImage } from "../../helpers/images.ts";
import { startRegistry, type TestRegistry } from "../../helpers/registry.ts";
import { createKit, expectNothingOpen } from "./transfer-kit.ts";

let source: TestRegistry;
let target: TestRegistry;
let kit: ReturnType<typeof createKit>;
beforeEach(async () => {
  [source, target, kit] = [await startRegistry(), await startRegistry(), createKit()];
});
afterEach(async () => {
  await kit[Symbol.asyncDispose]();
  await Promise.all([source.close(), target.close()]);
});

const pushed = multiPlatformImage({ sharedLayers: [40_000], layers: [2_000, 3_000], attestations: "perPlatform" });

/** Compares `team/app:1` of both registries. */
async function compare(more: Partial<CompareRequest> = {}) {
  const reader = { rangeBytes: 1024, buffers: createByteBudget(0), now: kit.clock.now, sleep: kit.clock.sleep };
  const request: CompareRequest = {
    source: { repository: kit.repository(source, "source", "team/app"), reference: "1" },
    target: { repository: kit.repository(target, "target", "team/app"), reference: "1" },
    ...{ blobs: "presence", referrers: "ignored", ...more },
  };
  return await createCompareImages({ reader, parallelBlobs: 2 })(request, new AbortController().signal);
}

const seedBoth = async (one: TestImage, other: TestImage = one) => {
  await source.seedImage("team/app", "1", one);
  await target.seedImage("team/app", "1", other);
};
const placesOf = ({ differences }: Awaited<ReturnType<typeof compare>>) =>
  differences.map(({ kind, path }) => `${kind} at ${path}`);

/** One platform of `pushed` with its own last layer. */
function layerOf({ manifests, blobs }: TestImage, at: number) {
  const [first] = manifests;
  const found = blobs[at];
  if (first === undefined || found === undefined) throw new Error("the image has no such part");
  return found.descriptor;
}

/** An SBOM of `pushed` at both sides, the target may have lost its content. */
async function seedSbom(at: "held" | "lost" = "held") {
  const subject = { ...pushed.root, size: pushed.root.bytes.byteLength };
  const sbom = artifact({ artifactType: "application/spdx+json", subject });
  const blob = sbom.blobs.at(-1)?.descriptor;
  if (blob === undefined) throw new Error("the SBOM has no blob");
  await source.seedImage("team/app", undefined, sbom);
  await target.seedImage("team/app", undefined, at === "held" ? sbom : { ...sbom, blobs: sbom.blobs.slice(0, -1) });
  return { sbom, blob };
}

describe("compareImages", () => {
  it("finds no difference in a copy, by one HEAD for each blob and no download", async () => {
    await seedBoth(pushed);

    const found = await compare();

    expect(found).toMatchObject({ differences: [], warnings: [], source: { digest: pushed.root.digest } });
    expect(found.checked).toEqual({ manifests: 2 * pushed.manifests.length, blobs: 2 * pushed.blobs.length, bytes: 0 });
    expect(source.countRequests({ kind: "blob-get" }) + target.countRequests({ kind: "blob-get" })).toBe(0);
  });

  it("reads and hashes every blob on both sides where content counts", async () => {
    await seedBoth(pushed);

    const { checked, differences } = await compare({ blobs: "content" });

    const bytes = pushed.blobs.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
    expect(differences).toEqual([]);
    expect(checked.bytes).toBe(2 * bytes);
  });

  it("says where a blob is that the target lacks, though the digests are the same", async () => {
    await source.seedImage("team/app", "1", pushed);
    const missing = layerOf(pushed, 1);
    const rest = pushed.blobs.filter(({ descriptor }) => descriptor.digest !== missing.digest);
    await target.seedImage("team/app", "1", { ...pushed, blobs: rest });

    const found = await compare();

    expect(found.differences).toMatchObject([{ kind: "missing", digest: missing.digest, source: missing.digest }]);
    expect(found.differences[0]?.path).toBe("linux/amd64 › layer 1");
    expect(found.differences[0]?.message).toContain(`target ${target.host}`);
  });

  it("tells damaged content by reading it only", async () => {
    await seedBoth(pushed);
    const { digest } = layerOf(pushed, 1);
    target.addFault(corruptByte({ digest, atBytes: 10 }));

    expect(placesOf(await compare())).toEqual([]);
    expect(placesOf(await compare({ blobs: "content" }))).toEqual(["corrupt at linux/amd64 › layer 1"]);
  });

  it("goes on behind a child that is missing", async () => {
    await source.seedImage("team/app", "1", pushed);
    const [child, ...others] = pushed.manifests;
    await target.seedImage("team/app", "1", { ...pushed, manifests: others });

    const found = await compare();

    expect(placesOf(found)).toEqual(["missing at linux/amd64"]);
    expect(found.differences[0]).toMatchObject({ digest: child?.digest });
  });

  it("names what differs within each platform", async () => {
    const children = (seed: string) =>
      ["amd64", "arm64"].map((architecture) => {
        const platform = { os: "linux", architecture };
        return { platform, image: image({ layers: [500, 600], platform, seed: architecture === "amd64" ? "" : seed }) };
      });
    await seedBoth(index({ children: children("one") }), index({ children: children("other") }));

    expect(placesOf(await compare())).toEqual([
      "digest at index",
      "digest at linux/arm64",
      "config at linux/arm64 › config",
      "layer at linux/arm64 › layer 1",
      "layer at linux/arm64 › layer 2",
    ]);
  });

  it("tells layers of one side alone, and media types", async () => {
    await seedBoth(
      image({ layers: [500, 600], seed: "x", format: "oci" }),
      image({ layers: [500], seed: "x", format: "docker" }),
    );

    const places = placesOf(await compare());

    expect(places).toContain("mediaType at image");
    expect(places).toContain("layer at layer 2");
  });

  it("counts documents as different that refer to the same content", async () => {
    const children = [{ image: image({ layers: [500] }) }];
    await seedBoth(index({ children }), index({ children, annotations: { note: "other" } }));

    const { differences } = await compare();

    expect(differences).toMatchObject([{ kind: "digest", path: "index" }]);
    expect(differences[0]?.message).toContain("refer to the same content");
  });

  it("compares chosen platforms alone, whatever the digests of the indexes", async () => {
    const all = multiPlatformImage({ platforms: ["linux/amd64", "linux/arm64/v8"] });
    const some = multiPlatformImage({ platforms: ["linux/amd64"] });
    await seedBoth(all, some);

    const whole = await compare();
    const chosen = await compare({ platforms: [parsePlatform("linux/amd64")] });

    expect(placesOf(whole)).toEqual(["digest at index", "child at linux/arm64/v8"]);
    expect(whole.warnings).toHaveLength(1);
    expect(chosen).toMatchObject({
      differences: [],
      source: { digest: all.root.digest },
      target: { digest: some.root.digest },
    });
    expect(chosen.warnings[0]).toContain("different digests");
  });

  it("does not miss children of a sparse index that are not among the platforms", async () => {
    await source.seedImage("team/app", "1", pushed);
    const arm64 = pushed.manifests[1];
    await target.seedImage("team/app", "1", { ...pushed, manifests: pushed.manifests.filter((one) => one !== arm64) });

    expect(placesOf(await compare({ platforms: [parsePlatform("linux/amd64")] }))).toEqual([]);
    expect(placesOf(await compare({ platforms: [parsePlatform("linux/arm64")] }))).toEqual([
      "missing at linux/arm64/v8",
    ]);
  });

  it("takes a platform that only the source has for a difference", async () => {
    await seedBoth(multiPlatformImage(), multiPlatformImage({ platforms: ["linux/amd64"] }));

    expect(placesOf(await compare({ platforms: [parsePlatform("linux/arm64")] }))).toEqual(["child at index"]);
  });

  it("takes a target that is not there for a difference, and a source for an error", async () => {
    await source.seedImage("team/app", "1", pushed);

    const found = await compare();
    const swapped = compare({ source: { repository: kit.repository(target, "source", "team/app"), reference: "1" } });

    expect(found).toMatchObject({ target: undefined, differences: [{ kind: "missing", path: "image" }] });
    await expect(swapped).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND" });
  });

  it("throws when a side cannot be asked", async () => {
    await seedBoth(pushed);
    target.addFault(failing({ kind: "blob-head", status: 503 }));

    await expect(compare()).rejects.toMatchObject({ code: "TARGET_UNAVAILABLE" });
  });

  it("reads on at neither side when the other cannot be asked", async () => {
    await seedBoth(pushed);
    const large = pushed.blobs.find(({ descriptor: { size } }) => size > 30_000);
    if (large === undefined) throw new Error("the image has no large blob");
    const read = source.hold({ kind: "blob-get", digest: large.descriptor.digest }, { sentBytes: 1_000 });
    const refuse = async () => {
      await read.reached;
      return refusal(403, "DENIED", "no");
    };
    target.addFault(fault("refused", { kind: "blob-get" }, refuse));

    await expect(compare({ blobs: "content" })).rejects.toMatchObject({ side: "target", httpStatus: 403 });

    await expectNothingOpen(source, target);
    read.release();
  });

  it("tells referrers that the target lacks, and lets it have more", async () => {
    await seedBoth(pushed);
    const subject = pushed.root;
    const [sbom, signature] = ["application/spdx+json", "application/vnd.sig"].map((artifactType) =>
      artifact({ artifactType, subject: { ...subject, size: subject.bytes.byteLength } }),
    );
    if (sbom === undefined || signature === undefined) throw new Error("no referrers");
    await source.seedImage("team/app", undefined, sbom);
    await target.seedImage("team/app", undefined, signature);

    const found = await compare({ referrers: "compared" });

    expect(found.differences).toMatchObject([
      { kind: "referrer", path: "application/spdx+json", digest: sbom.root.digest, source: sbom.root.digest },
    ]);
    expect(found.warnings[0]).toContain("1 more referrers");
    expect((await compare()).differences).toEqual([]);
  });

  it("looks into the referrers of both sides, and says what they lack", async () => {
    await seedBoth(pushed);
    const { sbom, blob } = await seedSbom("lost");

    const found = await compare({ referrers: "compared" });

    expect(found.differences).toMatchObject([
      { kind: "missing", path: "application/spdx+json › layer 1", digest: blob.digest, source: blob.digest },
    ]);
    expect(found.differences[0]?.message).toContain(`target ${target.host}`);
    expect(found.checked).toMatchObject({
      manifests: 2 * (pushed.manifests.length + 1),
      blobs: 2 * (pushed.blobs.length + sbom.blobs.length),
    });
  });

  it("reads the blobs of referrers where content counts", async () => {
    await seedBoth(pushed);
    const { sbom, blob } = await seedSbom();
    target.addFault(corruptByte({ digest: blob.digest, atBytes: 1 }));

    expect(placesOf(await compare({ referrers: "compared" }))).toEqual([]);
    const found = await compare({ referrers: "compared", blobs: "content" });

    expect(placesOf(found)).toEqual(["corrupt at application/spdx+json › layer 1"]);
    const bytes = [...pushed.blobs, ...sbom.blobs].reduce((sum, { descriptor }) => sum + descriptor.size, 0);
    expect(found.checked.bytes).toBeGreaterThan(bytes);
  });

  it("tells a referrer that the target lists and does not hold", async () => {
    await seedBoth(pushed);
    const { sbom } = await seedSbom();
    target.addFault(failing({ kind: "manifest-get", digest: sbom.root.digest, status: 404 }));

    expect(placesOf(await compare({ referrers: "compared" }))).toEqual(["missing at application/spdx+json"]);
  });
});
