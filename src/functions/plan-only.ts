import type { HttpResponseInit } from "@azure/functions";
import type { ParsedImportRequest } from "../domain/import-request.ts";
import { targetRepositories } from "../domain/import-spec.ts";
import { type PlanView, sumWork } from "../domain/plan-view.ts";
import { sumProgress } from "../domain/progress.ts";
import { ImportError } from "../errors.ts";
import { foretellMounts } from "../transfer/mount-sources.ts";
import { createReadManifest } from "../transfer/read-manifest.ts";
import type { resolveImport } from "../transfer/resolve-import.ts";
import type { BlobToSend } from "../transfer/transfer-settings.ts";
import type { LocateSource } from "./delegation/locate-source.ts";
import type { OpenRepositories } from "./open-repositories.ts";
import { json } from "./triggers/http-answer.ts";

export interface PlanOnlyDeps {
  readonly repositories: Pick<OpenRepositories, "ofSpec">;
  readonly locateSource: LocateSource;
  readonly resolve: typeof resolveImport;
  readonly needsCheckpoints: (blob: Omit<BlobToSend, "isRepeated">) => boolean;
  readonly now: () => Date;
}

/** Answers a dry run: everything an import does before it writes. 504 when the registries take too long. */
export function createPlanOnly({ repositories, locateSource, resolve, needsCheckpoints, now }: PlanOnlyDeps) {
  return async ({ spec: asked, credentials }: ParsedImportRequest, signal: AbortSignal): Promise<HttpResponseInit> => {
    const { spec, warnings } = await locateSource(asked, signal);
    const { source, targets } = repositories.ofSpec(spec, credentials, "resolve");
    const found = await resolve(
      {
        spec,
        trigger: "http",
        source,
        readManifest: createReadManifest(source),
        targets,
        pinned: undefined,
        taggedDigest: undefined,
        onPinned: async () => {},
        needsCheckpoints: (sizeBytes) => targets.some((target) => needsCheckpoints({ sizeBytes, source, target })),
      },
      signal,
    ).catch((thrown: unknown) => {
      throw signal.aborted ? tooSlow() : thrown;
    });
    const names = targetRepositories(spec);
    const progress = sumProgress({ parts: found.parts, units: [], startedAt: undefined, now: now() });
    const isMount = foretellMounts({ plan: found.plan, source, targets });
    const parts = found.parts.map(
      ({ target, state, tags, children, content: _content, via: _via, ...part }): PlanView["parts"][number] => ({
        ...part,
        repository: names[target] ?? "",
        ...(tags && { tags: [...tags] }),
        ...(children && { children: [...children] }),
        action: state === "done" ? "skip" : isMount(target, part.digest) ? "mount" : "copy",
      }),
    );
    const view: PlanView = {
      dryRun: true,
      action: found.plan.kind === "skip" ? "skip" : "copy",
      source: { registry: spec.source.registry, repository: spec.source.repository, ...found.source },
      target: {
        registry: spec.target.registry,
        tags: spec.target.tags.map(({ repository, tag }) => `${repository}:${tag}`),
        untaggedRepositories: spec.target.untaggedRepositories,
        digest: found.targetDigest,
      },
      progress,
      work: sumWork(parts),
      parts,
      warnings: [...warnings, ...found.warnings],
    };
    return json(200, view);
  };
}

function tooSlow(): ImportError {
  return new ImportError({
    code: "DEADLINE_EXCEEDED",
    what: "the plan was not made in time",
    hint: "start the import: it plans in the background",
    retryable: true,
  });
}
