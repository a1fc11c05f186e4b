import type { Digest } from "../digest.ts";
import { type ConflictQuestion, decideConflict, type TargetState } from "../domain/conflict.ts";
import { type ImportSpec, targetRepositories } from "../domain/import-spec.ts";
import type { ResolvedSource } from "../domain/import-transitions.ts";
import { type ErrorCode, ImportError } from "../errors.ts";
import { headManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";
import { both } from "./both.ts";
import { findSource } from "./find-source.ts";
import { mapConcurrently } from "./map-concurrently.ts";
import { placeOf } from "./place-of.ts";
import { readTag } from "./read-tag.ts";

/*
 * What this service can learn of an import that ACR carries out. Firewalls that are the reason to leave it to ACR keep
 * this service from reading one side or both: then a fact is not known, and that is no error.
 */

/** A fact, or why this service cannot know it. */
export type Learned<Fact> = { readonly fact: Fact } | { readonly unreadable: ImportError };

export interface DelegatedSides {
  readonly spec: ImportSpec;
  readonly source: Repository;
  /** In the order of `targetRepositories`. */
  readonly targets: readonly Repository[];
  /** Found before. */
  readonly pinned: ResolvedSource | undefined;
}

const parallelRequests = 16;

/** What the source's reference stands for; undefined: the source does not show it to this service. */
export async function learnSource(
  { spec, source, pinned }: DelegatedSides,
  signal: AbortSignal,
): Promise<ResolvedSource | undefined> {
  if (pinned !== undefined) return pinned;
  const { tag = "latest", digest } = spec.source;
  const learned = await learn(() => findSource(source, digest ?? tag, signal));
  return "fact" in learned ? learned.fact?.source : undefined;
}

type TagState = TargetState & { readonly tag: string };

/** What the target's tags hold. */
export function learnTags(
  { spec, targets }: Pick<DelegatedSides, "spec" | "targets">,
  signal: AbortSignal,
): Promise<Learned<readonly TagState[]>> {
  const names = targetRepositories(spec);
  return learn(() =>
    mapConcurrently(spec.target.tags, parallelRequests, async ({ repository, tag }) => {
      const target = targets[names.indexOf(repository)];
      return { repository, tag, digest: target && (await readTag(target, tag, undefined, signal)) };
    }),
  );
}

/** Of the repositories that are to be filled by digest, those that do not hold it. */
export function learnMissing(
  { spec, targets }: Pick<DelegatedSides, "spec" | "targets">,
  digest: Digest,
  signal: AbortSignal,
): Promise<Learned<readonly string[]>> {
  const names = targetRepositories(spec);
  return learn(async () => {
    const found = await mapConcurrently(spec.target.untaggedRepositories, parallelRequests, async (repository) => {
      const target = targets[names.indexOf(repository)];
      return target && (await headManifest(target, digest, signal)) ? [] : [repository];
    });
    return found.flat();
  });
}

/**
 * What the conflict policy says before ACR is asked. Throws TARGET_TAG_EXISTS, also where a tag exists and what it is
 * to hold cannot be known.
 */
export async function decideDelegation(
  sides: DelegatedSides & Pick<ConflictQuestion, "trigger" | "taggedDigest">,
  signal: AbortSignal,
): Promise<{ readonly kind: "proceed" | "skip"; readonly source: ResolvedSource | undefined }> {
  const { spec, targets, trigger, taggedDigest } = sides;
  const [source, tags] = await both(
    (joined) => learnSource(sides, joined),
    (joined) => learnTags(sides, joined),
    signal,
  );
  const [first] = targets;
  if (!("fact" in tags) || first === undefined) return { kind: "proceed", source };
  const at = placeOf(first);
  const plannedDigest = source?.digest ?? spec.source.digest;
  if (plannedDigest === undefined) {
    const taken = tags.fact.find(({ digest }) => digest !== undefined);
    if (taken === undefined || spec.conflict === "overwrite") return { kind: "proceed", source };
    throw new ImportError({
      ...at,
      code: "TARGET_TAG_EXISTS",
      what: `tag exists: ${taken.repository}:${taken.tag} (${taken.digest}), and the source's digest cannot be read`,
      hint: `conflict "overwrite" (mode "Force") replaces it`,
      ...(taken.digest && taken.digest !== "withheld" && { digest: taken.digest }),
    });
  }
  const untagged = spec.target.untaggedRepositories.map((repository) => ({ repository, digest: undefined }));
  const decision = decideConflict({
    ...{ policy: spec.conflict, trigger, plannedDigest, taggedDigest, at },
    targets: [...tags.fact, ...untagged],
  });
  if (decision.kind === "failed") throw decision.error;
  return { kind: decision.kind, source };
}

const closed: readonly ErrorCode[] = [
  ...(["SOURCE_NETWORK_RESTRICTED", "SOURCE_UNAUTHORIZED", "SOURCE_FORBIDDEN", "SOURCE_UNAVAILABLE"] as const),
  ...(["TARGET_NETWORK_RESTRICTED", "TARGET_UNAUTHORIZED", "TARGET_FORBIDDEN", "TARGET_UNAVAILABLE"] as const),
  "HOST_NOT_ALLOWED",
];

async function learn<Fact>(read: () => Promise<Fact>): Promise<Learned<Fact>> {
  try {
    return { fact: await read() };
  } catch (thrown) {
    if (thrown instanceof ImportError && closed.includes(thrown.code)) return { unreadable: thrown };
    throw thrown;
  }
}
