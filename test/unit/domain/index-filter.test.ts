import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mediaTypes } from "../../../src/descriptor.ts";
import type { Digest } from "../../../src/digest.ts";
import type { Platform } from "../../../src/domain/import-spec.ts";
import { childrenToLookInto, filterIndex, type IndexFilter } from "../../../src/domain/index-filter.ts";
import { parseManifest } from "../../../src/domain/manifest.ts";
import { parsePlatform } from "../../../src/domain/platform.ts";
import { digestNamed } from "./records.ts";
import { refusal } from "./refusal.ts";

const at = { side: "source", registry: "docker.io", stage: "resolve" } as const;

interface Entry {
  readonly name: string;
  readonly platform?: string;
  readonly attests?: string;
  readonly mediaType?: string;
}

const encode = (document: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(document, undefined, 2));

function anIndex(...entries: readonly Entry[]): Uint8Array {
  return encode({
    schemaVersion: 2,
    "x-unknown": { kept: true },
    mediaType: mediaTypes.ociIndex,
    manifests: entries.map(({ name, platform, attests, mediaType }) => ({
      mediaType: mediaType ?? mediaTypes.ociManifest,
      digest: digestNamed(name),
      size: 100,
      "x-extra": name,
      ...(attests === undefined
        ? platform !== undefined && { platform: parsePlatform(platform) }
        : {
            platform: { os: "unknown", architecture: "unknown" },
            annotations: { "vnd.docker.reference.digest": digestNamed(attests) },
          }),
    })),
    annotations: { last: "yes" },
  });
}

function filter(bytes: Uint8Array, platforms: readonly string[], more: Partial<IndexFilter> = {}) {
  const { children } = parseManifest(bytes, mediaTypes.ociIndex, at);
  const wanted = platforms.map((text) => parsePlatform(text));
  return filterIndex({ bytes, children, platforms: wanted, index: "rewrite", platformsInside: () => [], ...more }, at);
}

const digestsIn = (bytes: Uint8Array) =>
  parseManifest(bytes, mediaTypes.ociIndex, at).children.map(({ digest }) => digest);

const multi = anIndex(
  { name: "amd64", platform: "linux/amd64" },
  { name: "arm64", platform: "linux/arm64/v8" },
  { name: "armv7", platform: "linux/arm/v7" },
  { name: "sbom-amd64", attests: "amd64" },
  { name: "sbom-arm64", attests: "arm64" },
);

describe("filterIndex", () => {
  it("keeps the wanted platforms and what attests to them, and leaves the rest of the document as it is", () => {
    const { bytes, isRewritten, kept } = filter(multi, ["linux/arm64"]);

    expect(isRewritten).toBe(true);
    expect(kept.map(({ digest }) => digest)).toEqual([digestNamed("arm64"), digestNamed("sbom-arm64")]);
    const source = JSON.parse(new TextDecoder().decode(multi));
    const manifests = source.manifests.filter((_: unknown, at: number) => at === 1 || at === 4);
    expect(new TextDecoder().decode(bytes)).toBe(JSON.stringify({ ...source, manifests }));
  });

  it("leaves the bytes unchanged when nothing is left out", () => {
    const { bytes, isRewritten } = filter(multi, ["linux/amd64", "linux/arm64", "linux/arm"]);

    expect(isRewritten).toBe(false);
    expect(bytes).toBe(multi);
  });

  it("keeps the bytes of a sparse index and leaves children out all the same", () => {
    const { bytes, isRewritten, kept } = filter(multi, ["linux/amd64"], { index: "sparse" });

    expect(isRewritten).toBe(false);
    expect(bytes).toBe(multi);
    expect(kept.map(({ digest }) => digest)).toEqual([digestNamed("amd64"), digestNamed("sbom-amd64")]);
  });

  it("refuses a platform that no child has", () => {
    const error = refusal(() => filter(multi, ["linux/amd64", "linux/riscv64"]));

    expect(error.code).toBe("PLATFORM_NOT_FOUND");
    expect(error.toWire().hint).toBe("it has linux/amd64, linux/arm64/v8, linux/arm/v7");
  });

  it("keeps a manifest that is listed for several platforms in all its entries", () => {
    const shared = anIndex({ name: "any", platform: "linux/amd64" }, { name: "any", platform: "linux/386" });

    expect(filter(shared, ["linux/386"])).toMatchObject({ isRewritten: false });
  });

  it("keeps a nested index that contains a wanted platform, and drops one that does not", () => {
    const nested = anIndex(
      { name: "linux", mediaType: mediaTypes.ociIndex },
      { name: "windows", mediaType: mediaTypes.ociIndex },
    );
    const inside = new Map<Digest, readonly Platform[]>([
      [digestNamed("linux"), [parsePlatform("linux/amd64"), parsePlatform("linux/arm64")]],
      [digestNamed("windows"), [parsePlatform("windows/amd64:10.0.1.2")]],
    ]);

    const { bytes } = filter(nested, ["linux/amd64"], { platformsInside: (digest) => inside.get(digest) ?? [] });

    expect(digestsIn(bytes)).toEqual([digestNamed("linux")]);
  });

  it("keeps exactly those that match, in order, whatever the index holds", () => {
    const entry = fc.record({
      name: fc.string({ maxLength: 3 }),
      platform: fc.constantFrom("linux/amd64", "linux/arm64", "linux/386"),
    });
    fc.assert(
      fc.property(fc.uniqueArray(entry, { minLength: 1, selector: ({ name }) => name }), (entries) => {
        const wanted = entries[0]?.platform ?? "";
        const { bytes } = filter(anIndex(...entries), [wanted]);
        const expected = entries.filter(({ platform }) => platform === wanted).map(({ name }) => digestNamed(name));
        expect(digestsIn(bytes)).toEqual(expected);
      }),
    );
  });
});

describe("childrenToLookInto", () => {
  it("names the children without a platform that attest to nothing", () => {
    const bytes = anIndex({ name: "a", platform: "linux/amd64" }, { name: "b" }, { name: "c", attests: "a" });

    const children = childrenToLookInto(parseManifest(bytes, mediaTypes.ociIndex, at).children);

    expect(children.map(({ digest }) => digest)).toEqual([digestNamed("b")]);
  });
});
