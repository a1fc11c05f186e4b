import { createHash } from "node:crypto";
import type { Digest } from "../../digest.ts";
import type { ImportRecord } from "../../domain/import-record.ts";
import { toReferrers } from "../../domain/import-request.ts";
import type { ImportSpec } from "../../domain/import-spec.ts";
import { parseRegistry, type RegistryNames } from "../../domain/import-target.ts";
import { parsePlatform } from "../../domain/platform.ts";
import type { Selection } from "../../domain/promotion-request-schema.ts";
import type { ScheduledTag } from "../../store/schedule-tags.ts";
import type { SelectedImage } from "../promotions/selection-page.ts";

/** What an import does to a tag, but for the digest: another platform or target makes another key. */
type Effect = Pick<ImportSpec, "source" | "platforms" | "sparseIndex" | "foreignLayers" | "referrers"> & {
  readonly target: { readonly registry: string; readonly repository: string; readonly tag: string };
};

/** The row of an image that a schedule has selected; undefined for one without tags: there is nothing that could move. */
export function tagOfImage(
  { schedule, selection }: { readonly schedule: string; readonly selection: Selection },
  { source, target: { repository, tag } }: SelectedImage,
  names: RegistryNames,
): ScheduledTag | undefined {
  if (source.tag === undefined || tag === undefined) return undefined;
  const { platforms, sparseIndex = false, foreignLayers = "auto" } = selection;
  const referrers = toReferrers(selection.referrers);
  return scheduledTag(schedule, {
    ...(referrers && { referrers }),
    source,
    target: { registry: targetRegistryOf(selection, names), repository, tag },
    ...(platforms && { platforms: platforms.map((text, at) => parsePlatform(text, `platforms[${at}]`)) }),
    sparseIndex,
    foreignLayers,
  });
}

/** What a schedule's import has brought; undefined for any other import, and for one that has brought nothing. */
export function tagOfImport({
  trigger,
  state,
  spec,
  source,
}: ImportRecord): { readonly tag: ScheduledTag; readonly digest: Digest } | undefined {
  const [first] = spec.target.tags;
  const digest = source?.digest ?? spec.source.digest;
  if (trigger.kind !== "schedule" || trigger.ref === undefined || first === undefined) return undefined;
  if ((state !== "Succeeded" && state !== "Skipped") || digest === undefined) return undefined;
  const target = { registry: spec.target.registry, ...first };
  return { tag: scheduledTag(trigger.ref, { ...spec, target }), digest };
}

/** Where a selection goes: what it says, else the default target. */
function targetRegistryOf({ target: { registry } }: Pick<Selection, "target">, names: RegistryNames): string {
  return registry === undefined ? (names.defaultTarget ?? "") : parseRegistry(registry, "target.registry", names);
}

function scheduledTag(
  schedule: string,
  { source, target, platforms, sparseIndex, foreignLayers, referrers }: Effect,
): ScheduledTag {
  const { registry, repository, tag } = source;
  const distinct = platforms && [...new Set(platforms.map((platform) => JSON.stringify(platform)))].sort();
  const effect = [registry, repository, tag, target.registry, target.repository, target.tag];
  const key = createHash("sha256")
    // Only where there are any: keys that were made before referrers could travel along stay.
    .update(
      JSON.stringify([...effect, distinct ?? null, sparseIndex, foreignLayers, ...(referrers ? [referrers] : [])]),
    )
    .digest("hex");
  return { schedule, repository: `${registry}/${repository}`, key };
}
