import { describe, expect, it } from "vitest";
import { itemContentSchema } from "../../../src/domain/promotion-item.ts";
import { parsePromotionRequest, selectedSpec } from "../../../src/domain/promotion-request.ts";
import { selectionSchema } from "../../../src/domain/promotion-request-schema.ts";
import { ImportError } from "../../../src/errors.ts";

const settings = {
  defaultTarget: "target.example",
  registries: { hostOfName: () => undefined, hostOfResource: () => undefined },
  registrySuffix: "azurecr.io",
  defaultConflict: "skipIfSame",
  defaultTimeoutSeconds: 60,
  assertAllowed: ({ source }: { readonly source: { readonly registry: string } }) => {
    if (source.registry === "evil.example")
      throw new ImportError({ code: "HOST_NOT_ALLOWED", what: "not allowed", property: "source" });
  },
} as const;
const parse = (body: unknown) => parsePromotionRequest(body, settings);

function refusal(body: unknown) {
  try {
    parse(body);
  } catch (thrown) {
    if (thrown instanceof ImportError) return thrown.toWire();
  }
  return undefined;
}

const good = { source: "docker.io/alpine:3.20" };
const untagged = { source: "docker.io/alpine:3.20", untaggedTargetRepositories: ["m/alpine"] };

describe("parsePromotionRequest", () => {
  it("reads every item with what the request says for all, and what it says itself", () => {
    const { specs = [], request } = parse({
      items: [good, { source: "docker.io/busybox:1", conflict: "overwrite", labels: { own: "1" } }],
      platforms: ["linux/amd64"],
      labels: { all: "1" },
      maxConcurrent: 3,
    });

    expect(specs.map(({ conflict }) => conflict)).toEqual(["skipIfSame", "overwrite"]);
    expect(specs.map(({ labels }) => labels)).toEqual([{ all: "1" }, { own: "1" }]);
    expect(specs[1]?.platforms).toEqual([{ os: "linux", architecture: "amd64" }]);
    expect(request).toEqual({ platforms: ["linux/amd64"], labels: { all: "1" }, maxConcurrent: 3 });
  });

  it.each([
    ["INVALID_REQUEST", "items[1].source", { items: [good, {}] }],
    ["INVALID_REFERENCE", "items[1].source", { items: [good, { source: "no-host" }] }],
    ["INVALID_REQUEST", "items[0].mode", { items: [{ ...good, mode: "Force" }] }],
    [
      "INVALID_REQUEST",
      "items[0].platforms",
      { items: [{ ...good, platforms: ["linux/amd64"] }], strategy: "delegate" },
    ],
    ["HOST_NOT_ALLOWED", "items[2].source", { items: [good, good, { source: "evil.example/a:1" }] }],
    ["INVALID_REQUEST", "items", { items: [] }],
    ["INVALID_REQUEST", "source", {}],
    ["INVALID_REQUEST", "", []],
    ["INVALID_REQUEST", "source.repositories[0]", { source: { registry: "docker.io", repositories: ["["] } }],
    ["INVALID_REQUEST", "maxConcurrent", { items: [good], maxConcurrent: 501 }],
    ["INVALID_REFERENCE", "source.registry", { source: { registry: "http://a b", repositories: ["a"] } }],
    ["HOST_NOT_ALLOWED", "source.registry", { source: { registry: "evil.example", repositories: ["a"] } }],
  ])("refuses with %s at %s", (code, property, body) => {
    const refused = refusal(body);

    expect(refused).toMatchObject({ code });
    expect(refused?.property ?? "").toBe(property);
  });

  it.each([
    ["one source twice", good, {}],
    ["two sources for one tag", { source: "ghcr.io/team/alpine:3", targetTags: ["alpine:3.20"] }, {}],
    ["a further tag of another", { source: "ghcr.io/team/app:1", targetTags: ["app:1", "alpine:3.20"] }, {}],
    ["the target named otherwise", { ...good, target: "target.example" }, {}],
    ["one image without a tag", { ...untagged, target: "target.example" }, untagged],
  ])("refuses two items with the same target, and says where they are: %s", (_, second, first) => {
    const items = [{ source: "docker.io/busybox:1" }, { ...good, ...first }, second];

    expect(refusal({ items })).toMatchObject({
      ...{ code: "INVALID_REQUEST", property: "items[2]" },
      message: expect.stringMatching(/items\[1\] and items\[2\] have the same target target\.example\/\S/),
    });
  });

  it.each([
    ["another registry", { ...good, target: "other.example" }],
    ["another tag", { source: "docker.io/alpine:3.21" }],
    ["another image without a tag", { source: "docker.io/alpine:3.21", untaggedTargetRepositories: ["m/alpine"] }],
  ])("takes %s beside it", (_, second) => {
    expect(parse({ items: [{ ...good, untaggedTargetRepositories: ["m/alpine"] }, second] }).specs).toHaveLength(2);
  });

  it("takes no credentials, and does not repeat them", () => {
    const source = {
      registryUri: "docker.io",
      sourceImage: "alpine",
      credentials: { username: "u", password: "hunter2" },
    };

    const refused = refusal({ items: [good, { source }] });

    expect(refused).toMatchObject({ code: "INVALID_REQUEST", property: "items[1].source.credentials" });
    expect(refused?.message).toContain("REGISTRIES");
    expect(JSON.stringify(refused)).not.toContain("hunter2");
  });
});

describe("selectedSpec", () => {
  const selection = selectionSchema.parse({ source: { registry: "docker.io", repositories: ["team/*"] } });

  it("copies what has no tag by digest only", () => {
    const digest = `sha256:${"a".repeat(64)}`;
    const source = { registry: "docker.io", repository: "team/app", digest };

    const spec = selectedSpec(selection, selectedImage({ source, target: { repository: "prod/app" } }), settings);

    expect(spec.target).toEqual({ registry: "target.example", tags: [], untaggedRepositories: ["prod/app"] });
  });

  it("keeps the digest that was found under a tag", () => {
    const digest = `sha256:${"b".repeat(64)}`;
    const source = { registry: "docker.io", repository: "team/app", tag: "1", digest };

    const spec = selectedSpec(
      selection,
      selectedImage({ source, target: { repository: "prod/app", tag: "v1" } }),
      settings,
    );

    expect(spec.source).toEqual(source);
    expect(spec.target.tags).toEqual([{ repository: "prod/app", tag: "v1" }]);
  });
});

function selectedImage(image: object) {
  const content = itemContentSchema.parse({ kind: "image", ...image });
  if (content.kind !== "image") throw new Error("no image");
  return content;
}
