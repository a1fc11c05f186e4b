import type { ImportSpec } from "../../../src/domain/import-spec.ts";
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

/** Imports `team/app:1` of one registry to the same place at another: all steps of an import, without their storage. */
export async function importWhole(
  { source, target }: { readonly source: ImportedSide; readonly target: ImportedSide },
  more: Pick<ImportSpec, "referrers"> = {},
) {
  await using kit = createKit({ attempts: 3 });
  const signal = new AbortController().signal;
  const open = ({ registry, profile }: ImportedSide, side: "source" | "target") =>
    kit.client
      .open({
        ...{
          side,
          registry: registry.host,
          stage: "copy",
          credentials: { kind: "anonymous" },
          insecure: true,
          profile,
        },
      })
      .repository("team/app", side === "source" ? ["pull"] : ["pull", "push"]);
  const spec: ImportSpec = {
    ...{ v: 1, conflict: "fail", sparseIndex: false, foreignLayers: "auto", verify: "manifest", strategy: "stream" },
    ...{ timeoutSeconds: 60, labels: {}, ...more },
    source: { registry: source.registry.host, repository: "team/app", tag: "1" },
    target: { registry: target.registry.host, tags: [{ repository: "team/app", tag: "1" }], untaggedRepositories: [] },
  };
  const at = open(target, "target");
  const sides = { source: open(source, "source"), targets: [at] };
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
    ...{ ...sides, headFirst: false, isRepair: false, isRepeated: false, owner: "import-1", budget: kit.budget() },
    ...{ readInline: async (digest) => contentOf(digest), onPart: () => {}, onProgress: () => {} },
  };
  const copyUnit = createCopyUnit({ copyBlob: kit.copyBlob, parallelBlobs: 2 });
  for (const unit of [...plan.units, ...plan.large]) await copyUnit(unit, context, signal);

  const { publishManifests, putTags } = createPublishing({ sleep: kit.clock.sleep, random: () => 0.5 });
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
