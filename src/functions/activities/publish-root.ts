import type { ImportRecord } from "../../domain/import-record.ts";
import { type ImportSpec, targetRepositories } from "../../domain/import-spec.ts";
import { definedOnly, ImportError } from "../../errors.ts";
import type { PartResult, Parts } from "../../store/parts.ts";
import type { PublishManifests } from "../../transfer/publish-manifests.ts";
import type { TagRequest } from "../../transfer/put-tags.ts";
import type { OpenedRepositories, OpenRepositories } from "../open-repositories.ts";
import { findSuperseded } from "../superseded.ts";
import { loadManifests } from "./load-manifests.ts";

export interface PublishRootDeps {
  readonly parts: Pick<Parts, "readManifests">;
  readonly repositories: Pick<OpenRepositories, "ofImport">;
  readonly publishManifests: PublishManifests;
  readonly putTags: (request: TagRequest, signal: AbortSignal) => Promise<void>;
}

export type RootOutcome =
  /** What the root manifest's rows are to say. */
  | { readonly kind: "published"; readonly results: readonly PartResult[] }
  /** The source's tag has moved on: nothing was put. */
  | { readonly kind: "superseded"; readonly warning: string };

/** Puts the root manifest under its tags, and by digest where no tag was asked for. */
export type PublishRoot = (record: ImportRecord, signal: AbortSignal) => Promise<RootOutcome>;

export function createPublishRoot({ parts, repositories, publishManifests, putTags }: PublishRootDeps): PublishRoot {
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
    if (warning !== undefined) return { kind: "superseded", warning };
    try {
      await publishManifests({ manifests: [manifest], targets: untagged, conflict: spec.conflict }, signal);
      await putTags({ manifest, tags, conflict: spec.conflict, verify: spec.verify }, signal);
    } catch (thrown) {
      throw asSparseRefusal(thrown, record);
    }
    const ms = performance.now() - beganAt;
    const results = [...targets.keys()].map(
      (target) => ({ kind: "manifest", target, digest: targetDigest, via: "copied", ms, attempts: 1 }) as const,
    );
    return { kind: "published", results };
  };
}

/** Of a sparse index: what the target misses was left out on purpose. Any other error comes back as it is. */
export function asSparseRefusal(thrown: unknown, { spec, targetDigest: digest }: ImportRecord): unknown {
  if (!spec.sparseIndex || digest === undefined) return thrown;
  if (!(thrown instanceof ImportError) || thrown.code !== "TARGET_CONTENT_MISSING") return thrown;
  const { side, registry, stage, httpStatus, upstream } = thrown.toWire();
  return new ImportError({
    ...definedOnly({ side, registry, stage, httpStatus, upstream }),
    code: "TARGET_SPARSE_REFUSED",
    digest,
    what: "the index was refused, since children of it are missing",
    hint: "import without sparseIndex: the index is then rewritten to the platforms that were asked for",
    cause: thrown,
  });
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
