import { sourceLocated } from "../../domain/delegation-transitions.ts";
import { earlyEnd, foundAtTarget, pinned, resolved, resolving } from "../../domain/import-transitions.ts";
import { sumProgress } from "../../domain/progress.ts";
import type { Imports } from "../../store/imports.ts";
import type { Parts } from "../../store/parts.ts";
import { createReadManifest } from "../../transfer/read-manifest.ts";
import type { resolveImport } from "../../transfer/resolve-import.ts";
import type { BlobToSend } from "../../transfer/transfer-settings.ts";
import type { LeaveToAcr } from "../delegation/leave-to-acr.ts";
import type { LocateSource } from "../delegation/locate-source.ts";
import { holdRow } from "../held-row.ts";
import type { OpenRepositories } from "../open-repositories.ts";
import { type ResolveOutcome, type StepInput, stepInputSchema } from "../steps.ts";
import type { Activity } from "./activity-frame.ts";
import { createKeepManifests } from "./keep-manifests.ts";

export interface ResolveImportDeps {
  readonly imports: Pick<Imports, "replace" | "update">;
  readonly parts: Pick<Parts, "insertPlanned" | "keepManifests" | "readKept">;
  readonly repositories: Pick<OpenRepositories, "toResolve">;
  readonly locateSource: LocateSource;
  readonly leaveToAcr: LeaveToAcr;
  readonly resolve: typeof resolveImport;
  readonly needsCheckpoints: (blob: Omit<BlobToSend, "isRepeated">) => boolean;
  readonly now: () => Date;
}

/**
 * Reads only: where the source is, what the import consists of, and what the target lacks of it. The digest is stored
 * as soon as it is known, the parts before the plan is handed out, and what was read of the source also when the rest
 * cannot be: some registries let an account read a manifest a hundred times in six hours.
 */
export function createResolveImport(deps: ResolveImportDeps): Activity<StepInput, ResolveOutcome> {
  const { imports, parts, repositories, locateSource, leaveToAcr, resolve, needsCheckpoints, now } = deps;
  return {
    name: "resolveImport",
    input: stepInputSchema,
    role: "worker",
    work: async ({ importId }, { row, signal }) => {
      const held = holdRow(imports, row);
      const begunAt = now(); // stored with the digest: what comes before that is part of resolving
      const located = await locateSource(row.record.spec, signal);
      await held.change((record) => sourceLocated(record, located.spec, located.warnings));
      const { spec, trigger, source: known, taggedDigest } = held.record();
      if (spec.strategy === "delegate") return { kind: "done", plan: await leaveToAcr.asRequested(held, signal) };
      const readAll = async () => {
        const { source, targets, credentialsEndAt } = await repositories.toResolve(held.record(), signal);
        const kept = createKeepManifests(parts, importId);
        const before = known === undefined ? new Map() : await parts.readKept(importId);
        const found = await resolve(
          {
            spec,
            trigger: trigger.kind,
            source,
            readManifest: createReadManifest(source, { known: before, onFetched: kept.add }),
            targets,
            pinned: known?.digest,
            taggedDigest,
            onPinned: async (pin) => {
              await held.change((record) => pinned(resolving(record, begunAt), pin));
            },
            needsCheckpoints: (sizeBytes) => targets.some((target) => needsCheckpoints({ sizeBytes, source, target })),
          },
          signal,
        ).catch(async (thrown: unknown) => {
          await kept.store();
          throw thrown;
        });
        return { ...found, warnings: [...earlyEnd(held.record(), credentialsEndAt, now()), ...found.warnings] };
      };
      const result = await readAll().catch((thrown: unknown) => leaveToAcr.instead(thrown, held, signal));
      if ("kind" in result) return { kind: "done", plan: result };
      const { plan, targetDigest, warnings } = result;
      if (plan.kind === "skip") {
        await held.change((record) => foundAtTarget(record, targetDigest));
        return { kind: "done", plan };
      }
      await parts.insertPlanned(importId, result.parts);
      const startedAt = new Date(held.record().startedAt ?? now());
      const progress = sumProgress({ parts: result.parts, units: [], startedAt, now: now() });
      await held.change((record) =>
        resolved(record, { source: result.source, targetDigest, progress, warnings }, now()),
      );
      return { kind: "done", plan };
    },
  };
}
