import type { ImportSpec } from "../../../src/domain/import-spec.ts";
import type { Repository } from "../../../src/registry/registry.ts";
import { createByteBudget } from "../../../src/transfer/byte-budget.ts";
import { createCompareImages } from "../../../src/transfer/compare-images.ts";
import { createCopyUnit, type UnitContext } from "../../../src/transfer/copy-unit.ts";
import type { ManifestContent } from "../../../src/transfer/publish-manifests.ts";
import { createPublishing } from "../../../src/transfer/publishing.ts";
import { createReadManifest } from "../../../src/transfer/read-manifest.ts";
import { resolveImport } from "../../../src/transfer/resolve-import.ts";
import type { TestRegistry } from "../../helpers/registry.ts";
import { createKit } from "./transfer-kit.ts";

export interface ImportedSide {
  readonly registry: TestRegistry;
  readonly profile: string;
}

export interface Sides {
  readonly source: ImportedSide;
  readonly target: ImportedSide;
}

type Kit = ReturnType<typeof createKit>;

const signal = new AbortController().signal;

function open({ client }: Kit, { registry, profile }: ImportedSide, side: "source" | "target"): Repository {
  const place = { side, registry: registry.host, stage: "copy" } as const;
  const access = { ...place, credentials: { kind: "anonymous" }, insecure: true, profile } as const;
  return client.open(access).repository("team/app", side === "source" ? ["pull"] : ["pull", "push"]);
}

/** What `drayage verify --referrers` says of `team/app:1` at both. */
export async function compareWhole({ source, target }: Sides) {
  await using kit = createKit({ attempts: 3 });
  const reader = { rangeBytes: 1024, buffers: createByteBudget(0), now: kit.clock.now, sleep: kit.clock.sleep };
  const compare = createCompareImages({ reader, parallelBlobs: 2 });
  const places = {
    source: { repository: open(kit, source, "source"), reference: "1" },
    target: { repository: open(kit, target, "target"), reference: "1" },
  };
  return await compare({ ...places, blobs: "presence", referrers: "compared" }, signal);
}

/** Imports `team/app:1` of one registry to the same place at another: all steps of an import, without their storage. */
export async function importWhole({ source, target }: Sides, more: Pick<ImportSpec, "referrers"> = {}) {
  await using kit = createKit({ attempts: 3 });
  const spec: ImportSpec = {
    ...{ v: 1, conflict: "fail", sparseIndex: false, foreignLayers: "auto", verify: "manifest", strategy: "stream" },
    ...{ timeoutSeconds: 60, labels: {}, ...more },
    source: { registry: source.registry.host, repository: "team/app", tag: "1" },
    target: { registry: target.registry.host, tags: [{ repository: "team/app", tag: "1" }], untaggedRepositories: [] },
  };
  const at = open(kit, target, "target");
  const sides = { source: open(kit, source, "source"), targets: [at] };
  const first = { trigger: "http", pinned: undefined, taggedDigest: undefined } as const;
  const plain = {
    readManifest: createReadManifest(sides.source),
    onPinned: async () => {},
    needsCheckpoints: () => false,
  };
  const { plan, parts, targetDigest, warnings } = await resolveImport({ spec, ...sides, ...first, ...plain }, signal);

  const contentOf = (digest: string): Uint8Array => {
    const content = parts.find((part) => part.digest === digest)?.content;
    if (content === undefined) throw new Error(`no content of ${digest}`);
    return content;
  };
  const context: UnitContext = {
    ...{
      ...sides,
      headFirst: false,
      isRepair: false,
      isRepeated: false,
      onCut: () => {},
      owner: "import-1",
      budget: kit.budget(),
    },
    ...{ readInline: async (digest) => contentOf(digest), onPart: () => {}, onProgress: () => {} },
  };
  const copyUnit = createCopyUnit({ copyBlob: kit.copyBlob, parallelBlobs: 2 });
  for (const unit of [...plan.units, ...plan.large]) await copyUnit(unit, context, signal);

  const { publishManifests, putTags } = createPublishing({
    sleep: kit.clock.sleep,
    random: () => 0.5,
    giveUp: kit.giveUp,
  });
  const manifestOf = (digest: ManifestContent["digest"]): ManifestContent => {
    const { mediaType = "", tags } = parts.find((part) => part.digest === digest) ?? {};
    return { digest, mediaType, bytes: contentOf(digest), ...(tags && { tags }) };
  };
  for (const level of plan.levels)
    await publishManifests({ manifests: level.map(manifestOf), targets: [at], conflict: "fail" }, signal);
  const { tags: _, ...manifest } = manifestOf(targetDigest);
  await putTags({ manifest, tags: [{ target: at, tag: "1" }], conflict: "fail", verify: "manifest" }, signal);
  return { warnings };
}
