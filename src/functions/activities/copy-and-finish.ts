import type { Progress, Unit, Via } from "../../domain/import-plan.ts";
import type { ImportRecord } from "../../domain/import-record.ts";
import { targetRepositories } from "../../domain/import-spec.ts";
import { publishing, verifying } from "../../domain/import-transitions.ts";
import { withRate } from "../../domain/progress.ts";
import type { Imports } from "../../store/imports.ts";
import type { PartResult, Parts } from "../../store/parts.ts";
import type { EndImport } from "../end-import.ts";
import { holdRow } from "../held-row.ts";
import { type CheckedOutcome, type CopyAndFinishInput, copyAndFinishInputSchema } from "../steps.ts";
import type { Activity } from "./activity-frame.ts";
import type { CopyPlannedUnit } from "./copy-planned-unit.ts";
import type { PublishLevel } from "./publish-manifests.ts";
import type { PublishRoot } from "./publish-root.ts";
import type { VerifyPlannedUnit } from "./verify-planned-unit.ts";

export interface CopyAndFinishDeps {
  readonly imports: Pick<Imports, "replace" | "update">;
  readonly parts: Pick<Parts, "markDone">;
  readonly copyPlannedUnit: CopyPlannedUnit;
  readonly verifyPlannedUnit: VerifyPlannedUnit;
  readonly publishLevel: PublishLevel;
  readonly publishRoot: PublishRoot;
  readonly endImport: EndImport;
  readonly now: () => Date;
}

/**
 * A whole small import in one activity: each hop between activities costs a queue poll on the genuine host. The same
 * pieces in the same order as for a large one; parts are stored once, at the end or where the copy stops, and before
 * their blobs are read again, which may take as long as copying did.
 */
export function createCopyAndFinish(deps: CopyAndFinishDeps): Activity<CopyAndFinishInput, CheckedOutcome> {
  const { imports, parts, copyPlannedUnit, verifyPlannedUnit, publishLevel, publishRoot, endImport, now } = deps;
  return {
    name: "copyAndFinish",
    input: copyAndFinishInputSchema,
    role: "worker",
    work: async ({ importId, attempt, plan, round, isRepeated }, context) => {
      const { row, signal } = context;
      const [unit] = plan.units;
      const copied = unit && (await copyPlannedUnit({ importId, unit, round, isRepeated }, context));
      if (copied !== undefined && copied.kind !== "done") return copied;
      const results: PartResult[] = [...(copied?.results ?? [])];
      let stored = 0;
      const store = async () => {
        await parts.markDone(importId, results.slice(stored), stored === 0 ? copied?.reportedUnit : undefined);
        stored = results.length;
      };
      const held = holdRow(imports, row);
      const verify = async (toVerify: Unit | undefined) => {
        if (toVerify === undefined) return { kind: "done" } as const;
        await store();
        await held.change((record) => verifying(record, now()));
        return await verifyPlannedUnit({ importId, unit: toVerify, round }, context);
      };
      const verifyAndPublish = async () => {
        const verified = await verify(plan.verify?.[0]);
        if (verified.kind !== "done") return verified;
        for (const level of plan.levels) {
          const published = await publishLevel(row.record, level, signal);
          if (published.kind === "incomplete") return published;
          results.push(...published.results);
        }
        const published = await publishRoot(await held.change((record) => publishing(record, now())), signal); // throws CANCELLED when somebody was faster
        if (published.kind === "published") results.push(...published.results);
        return published;
      };
      const root = await verifyAndPublish().catch(async (thrown: unknown) => {
        await store().catch(() => undefined); // only progress is lost, and what was thrown first says why
        throw thrown;
      });
      await store();
      if (root.kind !== "published" && root.kind !== "superseded") return root;
      const state = root.kind === "published" ? "Succeeded" : "Skipped";
      const progress = finalProgress(held.record(), { unit, results, isPublished: root.kind === "published" }, now());
      await endImport({ importId, attempt }, { state, warnings: root.warnings, ...progress }, held);
      return { kind: "done" };
    },
  };
}

interface Finished {
  readonly unit: Unit | undefined;
  readonly results: readonly PartResult[];
  /** The root manifest was put; else it was found out of date. */
  readonly isPublished: boolean;
}

/** Counted from what is at hand: everything is done, and what this activity did not move was there before. */
function finalProgress(
  { progress, startedAt, spec }: ImportRecord,
  { unit, results, isPublished }: Finished,
  now: Date,
): { readonly progress?: Progress } {
  if (progress === undefined) return {};
  const missing = isPublished ? 0 : targetRepositories(spec).length; // the root manifest, in each of them
  const sizes = new Map(unit?.blobs.map(({ digest, sizeBytes }) => [digest, sizeBytes]));
  const moved = (via: Via) =>
    results
      .filter((result) => result.kind === "blob" && result.via === via)
      .reduce((sum, { digest }) => sum + (sizes.get(digest) ?? 0), 0);
  const { total } = progress.bytes;
  const [copied, mounted] = [moved("copied"), moved("mounted")];
  const counts = {
    manifests: { total: progress.manifests.total, done: progress.manifests.total - missing },
    blobs: { total: progress.blobs.total, done: progress.blobs.total },
    bytes: { total, copied, mounted, skipped: total - copied - mounted },
    ...(spec.verify === "full" && { verified: { blobs: progress.blobs.total, bytes: total } }),
  };
  return { progress: withRate(counts, startedAt === undefined ? undefined : new Date(startedAt), now) };
}
