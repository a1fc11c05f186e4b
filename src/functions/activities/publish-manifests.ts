import type { Digest } from "../../digest.ts";
import type { ImportRecord } from "../../domain/import-record.ts";
import type { PartResult, Parts } from "../../store/parts.ts";
import type { PublishManifests } from "../../transfer/publish-manifests.ts";
import type { OpenRepositories } from "../open-repositories.ts";
import { type CheckedOutcome, type Incomplete, type PublishInput, publishInputSchema } from "../steps.ts";
import type { Activity } from "./activity-frame.ts";
import { loadManifests } from "./load-manifests.ts";
import type { PlanRepair } from "./plan-repair.ts";
import { publishedResults } from "./published-results.ts";

export interface PublishLevelDeps {
  readonly parts: Pick<Parts, "readManifests">;
  readonly repositories: Pick<OpenRepositories, "ofImport">;
  readonly publishManifests: PublishManifests;
  readonly planRepair: PlanRepair;
}

/** What the rows of the manifests are to say. */
export type LevelOutcome = { readonly kind: "published"; readonly results: readonly PartResult[] } | Incomplete;

/** Puts manifests by digest into every target repository. */
export type PublishLevel = (
  record: ImportRecord,
  digests: readonly Digest[],
  signal: AbortSignal,
) => Promise<LevelOutcome>;

export function createPublishLevel(deps: PublishLevelDeps): PublishLevel {
  const { parts, repositories, publishManifests, planRepair } = deps;
  return async (record, digests, signal) => {
    const { source, targets } = await repositories.ofImport(record, "publish");
    const manifests = await loadManifests(parts, { record, source, digests }, signal);
    const beganAt = performance.now();
    const refused = await publishManifests({ manifests, targets, conflict: record.spec.conflict }, signal);
    if (refused.length > 0) return await planRepair(record, refused, signal);
    const ms = performance.now() - beganAt;
    return { kind: "published", results: publishedResults({ digests, targets: targets.length, ms }) };
  };
}

export interface PublishManifestsDeps {
  readonly parts: Pick<Parts, "markDone">;
  readonly publishLevel: PublishLevel;
}

/** One level of manifests: what they refer to is in place. */
export function createPublishManifests(deps: PublishManifestsDeps): Activity<PublishInput, CheckedOutcome> {
  return {
    name: "publishManifests",
    input: publishInputSchema,
    role: "worker",
    work: async ({ importId, digests }, { row, signal }) => {
      const level = await deps.publishLevel(row.record, digests, signal);
      if (level.kind === "incomplete") return level;
      await deps.parts.markDone(importId, level.results);
      return { kind: "done" };
    },
  };
}
