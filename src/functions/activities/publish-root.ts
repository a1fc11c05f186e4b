import type { ImportRecord } from "../../domain/import-record.ts";
import { type ImportSpec, targetRepositories } from "../../domain/import-spec.ts";
import type { PartResult, Parts } from "../../store/parts.ts";
import type { StoredManifest } from "../../transfer/assert-stored.ts";
import type { PublishManifests } from "../../transfer/publish-manifests.ts";
import type { PutTagsOutcome, TagRequest } from "../../transfer/put-tags.ts";
import type { OpenedRepositories, OpenRepositories } from "../open-repositories.ts";
import type { Incomplete } from "../steps.ts";
import { findSuperseded } from "../superseded.ts";
import { loadManifests } from "./load-manifests.ts";
import type { PlanRepair } from "./plan-repair.ts";
import { publishedResults } from "./published-results.ts";

export interface PublishRootDeps {
  readonly parts: Pick<Parts, "readManifests">;
  readonly repositories: Pick<OpenRepositories, "ofImport">;
  readonly publishManifests: PublishManifests;
  readonly putTags: (request: TagRequest, signal: AbortSignal) => Promise<PutTagsOutcome>;
  readonly assertStored: (stored: StoredManifest, signal: AbortSignal) => Promise<readonly string[]>;
  readonly planRepair: PlanRepair;
}

export type RootOutcome =
  /** What the root manifest's rows are to say. */
  | { readonly kind: "published"; readonly results: readonly PartResult[]; readonly warnings: readonly string[] }
  /** The source's tag has moved on: nothing was put. */
  | { readonly kind: "superseded"; readonly warnings: readonly string[] }
  | Incomplete;

/** Puts the root manifest under its tags, and by digest where no tag was asked for. */
export type PublishRoot = (record: ImportRecord, signal: AbortSignal) => Promise<RootOutcome>;

export function createPublishRoot(deps: PublishRootDeps): PublishRoot {
  const { parts, repositories, publishManifests, putTags, assertStored, planRepair } = deps;
  return async (record, signal) => {
    const { spec, targetDigest } = record;
    if (targetDigest === undefined) throw new Error("an import is published before it was resolved");
    const beganAt = performance.now();
    const opened = await repositories.ofImport(record, "publish");
    const { source, targets } = opened;
    const [loaded] = await loadManifests(parts, { record, source, digests: [targetDigest] }, signal);
    if (loaded === undefined) throw new Error("one manifest was asked for and none came");
    const { tags: _cosignTags, ...manifest } = loaded; // those were put with its level
    const { untagged, tags } = placesOf(spec, opened);
    const warning = await findSuperseded(record, source, signal);
    if (warning !== undefined) return { kind: "superseded", warnings: [warning] };
    const verify = spec.verify === "none" ? "none" : "manifest";
    const unlisted = { manifests: [manifest], targets: untagged, conflict: spec.conflict };
    const unpublished = await publishManifests(unlisted, signal);
    const tagged = await putTags({ manifest, tags, conflict: spec.conflict, verify }, signal);
    const refused = [...unpublished, ...tagged.refused];
    if (refused.length > 0) return await planRepair(record, refused, signal);
    const warnings = [...tagged.warnings];
    if (verify === "manifest") {
      for (const target of untagged)
        warnings.push(...(await assertStored({ target, reference: targetDigest, manifest }, signal)));
    }
    const ms = performance.now() - beganAt;
    const results = publishedResults({ digests: [targetDigest], targets: targets.length, ms });
    return { kind: "published", results, warnings };
  };
}

function placesOf(spec: ImportSpec, { targets }: OpenedRepositories) {
  const byName = new Map(targetRepositories(spec).map((name, at) => [name, targets[at]]));
  return {
    untagged: spec.target.untaggedRepositories.flatMap((name) => byName.get(name) ?? []),
    tags: spec.target.tags.flatMap(({ repository, tag }) => {
      const target = byName.get(repository);
      return target === undefined ? [] : [{ target, tag }];
    }),
  };
}
