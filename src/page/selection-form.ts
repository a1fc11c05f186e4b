import type { Conflict } from "../domain/import-spec.ts";
import type { Selection } from "../domain/promotion-request-schema.ts";
import { linesOf } from "./import-form.ts";

/** What rules and schedules say alike, as it is filled in: texts, several values one per line. */
export interface SelectionForm {
  readonly sourceRegistry: string;
  readonly repositories: string;
  readonly include: string;
  readonly exclude: string;
  readonly semver: string;
  readonly newest: string;
  readonly targetRegistry: string;
  readonly targetRepository: string;
  readonly targetTag: string;
  readonly conflict: Conflict;
  readonly platforms: string;
  readonly sparseIndex: boolean;
  readonly referrers: boolean;
}

/** The default of rules and schedules: what is newer wins. */
const defaultConflict: Conflict = "overwrite";

export const emptySelection: SelectionForm = {
  sourceRegistry: "",
  repositories: "",
  include: "",
  exclude: "",
  semver: "",
  newest: "",
  targetRegistry: "",
  targetRepository: "{repository}",
  targetTag: "{tag}",
  conflict: defaultConflict,
  platforms: "",
  sparseIndex: false,
  referrers: false,
};

export function readSelection(selection: Selection): SelectionForm {
  const { source, target, conflict, platforms = [], sparseIndex = false, referrers } = selection;
  const { include = [], exclude = [], semver = "", newest } = source.tags;
  return {
    sourceRegistry: source.registry,
    repositories: source.repositories.join("\n"),
    include: include.join("\n"),
    exclude: exclude.join("\n"),
    semver,
    newest: newest === undefined ? "" : String(newest),
    targetRegistry: target.registry ?? "",
    targetRepository: target.repository,
    targetTag: target.tag,
    conflict: conflict ?? defaultConflict,
    platforms: platforms.join("\n"),
    sparseIndex,
    referrers: referrers !== undefined && referrers !== false,
  };
}

/** The selection that a form stands for. What the form has no field for stays as it was `before`. */
export function writeSelection(form: SelectionForm, before: Selection | undefined): Selection {
  const [include, exclude, platforms] = [linesOf(form.include), linesOf(form.exclude), linesOf(form.platforms)];
  const { registry, semver, newest } = {
    registry: form.targetRegistry.trim(),
    semver: form.semver.trim(),
    newest: form.newest.trim(),
  };
  const { foreignLayers, verify, strategy, timeoutSeconds, labels, referrers } = before ?? {};
  const digest = before?.source.tags.digest;
  return {
    source: {
      registry: form.sourceRegistry.trim(),
      repositories: linesOf(form.repositories),
      tags: {
        ...(include.length > 0 && { include }),
        ...(exclude.length > 0 && { exclude }),
        ...(semver !== "" && { semver }),
        ...(newest !== "" && { newest: Number(newest) }),
        ...(digest !== undefined && { digest }),
      },
    },
    target: {
      ...(registry !== "" && { registry }),
      repository: form.targetRepository.trim(),
      tag: form.targetTag.trim(),
    },
    conflict: form.conflict,
    ...(platforms.length > 0 && { platforms }),
    ...(form.sparseIndex && { sparseIndex: true }),
    ...(form.referrers && { referrers: typeof referrers === "object" ? referrers : true }),
    ...(foreignLayers !== undefined && { foreignLayers }),
    ...(verify !== undefined && { verify }),
    ...(strategy !== undefined && { strategy }),
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    ...(labels !== undefined && { labels }),
  };
}

const properties: readonly (readonly [string, keyof SelectionForm])[] = [
  ["source.repositories", "repositories"],
  ["source.tags.include", "include"],
  ["source.tags.exclude", "exclude"],
  ["source.tags.semver", "semver"],
  ["source.tags.newest", "newest"],
  ["source", "sourceRegistry"],
  ["target.repository", "targetRepository"],
  ["target.tag", "targetTag"],
  ["target", "targetRegistry"],
  ["platforms", "platforms"],
  ["sparseIndex", "sparseIndex"],
];

/** The field that a property of the body stands in, e.g. of `source.repositories[1]`. */
export function selectionFieldOf(property: string): keyof SelectionForm | undefined {
  return properties.find(([start]) => property.startsWith(start))?.[1];
}
