import { describe, expect, it } from "vitest";
import type { PartView } from "../../../src/domain/part-view.ts";
import {
  buildTrees,
  firstNodes,
  isUnlisted,
  nameKind,
  openFate,
  summarize,
  type TreeNode,
  wayOf,
} from "../../../src/page/parts/part-tree.ts";
import { digestNamed } from "../domain/records.ts";

const part = (name: string, change: Partial<PartView> = {}): PartView => ({
  kind: "blob",
  repository: "team/app",
  digest: digestNamed(name),
  mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
  sizeBytes: 10,
  state: "pending",
  ...change,
});
const manifest = (name: string, children: readonly string[], change: Partial<PartView> = {}) =>
  part(name, {
    kind: "manifest",
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    children: children.map(digestNamed),
    ...change,
  });

/** Names by digest, for trees that can be read. */
const names = ["index", "amd64", "arm64", "config", "base", "top", "signature", "payload", "lone"];
const outline = ({ part: { digest }, children }: TreeNode): unknown => {
  const name = names.find((one) => digestNamed(one) === digest);
  return children.length === 0 ? name : { [name ?? digest]: children.map(outline) };
};
const image = [
  part("base"),
  part("config"),
  part("top"),
  part("payload"),
  manifest("arm64", ["base"], { platform: "linux/arm64/v8" }),
  manifest("amd64", ["config", "base", "top"], { platform: "linux/amd64" }),
  manifest("index", ["amd64", "arm64"], { mediaType: "application/vnd.oci.image.index.v1+json" }),
  manifest("signature", ["payload"], { referrerOf: digestNamed("index"), artifactType: "application/x-signature" }),
];

describe("the tree of parts", () => {
  it("stands in the manifests' own order, with shared layers under each and signatures under what they sign", () => {
    const [tree] = buildTrees(image);

    expect(tree?.roots.map(outline)).toEqual([
      { index: [{ amd64: ["config", "base", "top"] }, { arm64: ["base"] }, { signature: ["payload"] }] },
    ]);
  });

  it("is one per target repository", () => {
    const trees = buildTrees([...image, part("base", { repository: "other/app" })]);

    expect(trees.map(({ repository, roots }) => [repository, roots.length])).toEqual([
      ["team/app", 1],
      ["other/app", 1],
    ]);
  });

  it("shows what no manifest names beside the image", () => {
    const [tree] = buildTrees([part("lone"), manifest("amd64", [])]);

    expect(tree?.roots.map(outline)).toEqual(["amd64", "lone"]);
  });

  it("ends where rows contradict each other", () => {
    const [tree] = buildTrees([
      manifest("index", ["amd64"]),
      manifest("amd64", ["arm64"]),
      manifest("arm64", ["amd64"]),
    ]);

    expect(tree?.roots.map(outline)).toEqual([{ index: [{ amd64: ["arm64"] }] }]);
  });

  it("counts a shared layer once", () => {
    const done = image.map((one) => (one.digest === digestNamed("base") ? { ...one, state: "done" as const } : one));
    const [root] = buildTrees(done)[0]?.roots ?? [];

    expect(root && summarize(root)).toEqual({ blobs: 4, done: 1, bytes: 40 });
  });
});

it.each([
  [part("a"), "Layer"],
  [part("a", { mediaType: "application/vnd.oci.image.config.v1+json" }), "Config"],
  [part("a", { mediaType: "application/vnd.docker.container.image.v1+json" }), "Config"],
  [part("a", { mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip" }), "Layer"],
  [part("a", { mediaType: "text/plain" }), "Blob"],
  [manifest("a", []), "Manifest"],
  [manifest("a", [], { mediaType: "application/vnd.docker.distribution.manifest.list.v2+json" }), "Index"],
  [manifest("a", [], { mediaType: "application/vnd.docker.distribution.manifest.v2+json" }), "Manifest"],
])("names %o", (one, name) => {
  expect(nameKind(one)).toBe(name);
});

it("says what became of a part, and what would", () => {
  expect(wayOf(part("a"), openFate)).toBe("pending");
  expect(wayOf(part("a", { state: "done", via: "mounted" }), openFate)).toBe("mounted");
  const { state: _, ...planned } = part("a");
  expect(wayOf({ ...planned, action: "skip" }, openFate)).toBe("skip");
});

it("says of a failed import at which part it failed, and that what waited was not copied", () => {
  const fate = { hasEnded: true, failedDigest: digestNamed("bad") };

  expect(wayOf(part("bad"), fate)).toBe("failed");
  expect(wayOf(part("bad", { state: "done" }), fate)).toBe("failed"); // read back, it was not what it should be
  expect(wayOf(part("a"), fate)).toBe("missing");
  expect(wayOf(part("a", { state: "done" }), fate)).toBe("copied");
});

it("shows the first of very many parts, and the one that is at fault wherever it stands", () => {
  const layers = Array.from({ length: 300 }, (_, at) => part(`layer${at}`));
  const { children: _, ...large } = manifest("amd64", []);
  const roots = buildTrees([large, ...layers])[0]?.roots ?? [];
  const digests = (failed: string | undefined) => firstNodes(roots, failed).map(({ part: { digest } }) => digest);

  expect(roots.filter(isUnlisted).map(({ part: { digest } }) => digest)).toEqual([digestNamed("amd64")]);
  expect(digests(undefined)).toHaveLength(50);
  expect(digests(digestNamed("layer200")).slice(50)).toEqual([digestNamed("layer200")]);
});

it("shows the child that leads to the part at fault", () => {
  const platforms = Array.from({ length: 60 }, (_, at) => manifest(`platform${at}`, [`layer${at}`]));
  const layers = platforms.map((_, at) => part(`layer${at}`));
  const root = buildTrees([
    manifest(
      "index",
      platforms.map((_, at) => `platform${at}`),
    ),
    ...platforms,
    ...layers,
  ])[0]?.roots[0];

  const shown = firstNodes(root?.children ?? [], digestNamed("layer55"));

  expect(shown.slice(50).map(({ part: { digest } }) => digest)).toEqual([digestNamed("platform55")]);
});
