import type { Digest } from "../../digest.ts";
import type { ImportRecord } from "../../domain/import-record.ts";
import type { PartResult, Parts } from "../../store/parts.ts";
import { publishManifests } from "../../transfer/publish-manifests.ts";
import type { OpenRepositories } from "../open-repositories.ts";
import { type PublishInput, publishInputSchema, type StepOutcome } from "../steps.ts";
import type { Activity } from "./activity-frame.ts";
import { loadManifests } from "./load-manifests.ts";

export interface PublishLevelDeps {
  readonly parts: Pick<Parts, "readManifests">;
  readonly repositories: Pick<OpenRepositories, "ofImport">;
}

/** Puts manifests by digest into every target repository; returns what their rows are to say. */
export type PublishLevel = (
  record: ImportRecord,
  digests: readonly Digest[],
  signal: AbortSignal,
) => Promise<readonly PartResult[]>;

export function createPublishLevel({ parts, repositories }: PublishLevelDeps): PublishLevel {
  return async (record, digests, signal) => {
    const { source, targets } = await repositories.ofImport(record, "publish");
    const manifests = await loadManifests(parts, { record, source, digests }, signal);
    const beganAt = performance.now();
    await publishManifests(manifests, targets, signal);
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
