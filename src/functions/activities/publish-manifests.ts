import type { Digest } from "../../digest.ts";
import type { ImportRecord } from "../../domain/import-record.ts";
import type { PartResult, Parts } from "../../store/parts.ts";
import type { PublishManifests } from "../../transfer/publish-manifests.ts";
import type { OpenRepositories } from "../open-repositories.ts";
import { type PublishInput, publishInputSchema, type StepOutcome } from "../steps.ts";
import type { Activity } from "./activity-frame.ts";
import { loadManifests } from "./load-manifests.ts";
import { asSparseRefusal } from "./publish-root.ts";

export interface PublishLevelDeps {
  readonly parts: Pick<Parts, "readManifests">;
  readonly repositories: Pick<OpenRepositories, "ofImport">;
  readonly publishManifests: PublishManifests;
}

/** Puts manifests by digest into every target repository; returns what their rows are to say. */
export type PublishLevel = (
  record: ImportRecord,
  digests: readonly Digest[],
  signal: AbortSignal,
) => Promise<readonly PartResult[]>;

export function createPublishLevel({ parts, repositories, publishManifests }: PublishLevelDeps): PublishLevel {
  return async (record, digests, signal) => {
    const { source, targets } = await repositories.ofImport(record, "publish");
    const manifests = await loadManifests(parts, { record, source, digests }, signal);
    const beganAt = performance.now();
    try {
      await publishManifests({ manifests, targets, conflict: record.spec.conflict }, signal);
    } catch (thrown) {
      // A root that something refers to is published in a level of its own.
      throw record.targetDigest !== undefined && digests.includes(record.targetDigest)
        ? asSparseRefusal(thrown, record)
        : thrown;
    }
    const ms = performance.now() - beganAt;
    return [...targets.keys()].flatMap((target) =>
      digests.map((digest) => ({ kind: "manifest", target, digest, via: "copied", ms, attempts: 1 }) as const),
    );
  };
}

export interface PublishManifestsDeps {
  readonly parts: Pick<Parts, "markDone">;
  readonly publishLevel: PublishLevel;
}

/** One level of manifests: what they refer to is in place. */
export function createPublishManifests(deps: PublishManifestsDeps): Activity<PublishInput, StepOutcome> {
  return {
    name: "publishManifests",
    input: publishInputSchema,
    role: "worker",
    work: async ({ importId, digests }, { row, signal }) => {
      await deps.parts.markDone(importId, await deps.publishLevel(row.record, digests, signal));
      return { kind: "done" };
    },
  };
}
