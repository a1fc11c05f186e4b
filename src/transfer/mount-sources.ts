import type { Digest } from "../digest.ts";
import type { ImportPlan } from "../domain/import-plan.ts";
import type { Repository } from "../registry/registry.ts";

/** A target repository that lacks a blob, and those of the target that hold it when its turn has come. */
export interface PlaceToFill {
  readonly at: number;
  readonly target: Repository;
  /** Repositories of the target that hold the blob, as this import knows. */
  readonly filled: readonly string[];
}

/**
 * The target repositories that lack a blob, one after the other: whoever asks for the next one has filled the one
 * before. What the plan does not list holds the blob already: resolve has seen it there, or an earlier call brought it.
 */
export function* placesToFill(lackingAt: readonly number[], targets: readonly Repository[]): Generator<PlaceToFill> {
  const lacking = new Set(lackingAt);
  for (const at of lackingAt) {
    const target = targets[at];
    if (target === undefined) throw new Error(`the plan names target repository ${at} of ${targets.length}`);
    yield { at, target, filled: targets.filter((_, other) => !lacking.has(other)).map(({ name }) => name) };
    lacking.delete(at);
  }
}

const maxMountTries = 2; // each costs a write; a second place helps where rights differ

export interface MountQuestion {
  readonly source: Repository;
  readonly target: Repository;
  /** As {@link PlaceToFill} has it. */
  readonly filled: readonly string[];
}

/** Repositories that the target is asked to mount a blob from before it is streamed, the likeliest first. */
export function mountSources({ source, target, filled }: MountQuestion): readonly string[] {
  const isSameHost = source.registry.apiHost === target.registry.apiHost;
  const places = [...filled, ...(isSameHost ? [source.name] : [])];
  return [...new Set(places)].filter((name) => name !== target.name).slice(0, maxMountTries);
}

export interface MountForecast {
  readonly plan: Pick<ImportPlan, "units" | "large">;
  readonly source: Repository;
  readonly targets: readonly Repository[];
}

/**
 * Where the copy of a plan tries a mount before it streams, by position of the target repository. Whether the registry
 * mounts shows only then, and a mount from what the process remembers of other imports is not foretold.
 */
export function foretellMounts({ plan, source, targets }: MountForecast): (at: number, digest: Digest) => boolean {
  const mounts = new Map<Digest, Set<number>>();
  for (const { digest, targets: lackingAt } of [...plan.units, ...plan.large].flatMap(({ blobs }) => blobs)) {
    const places = [...placesToFill(lackingAt, targets)];
    const mounted = places.filter(({ target, filled }) => mountSources({ source, target, filled }).length > 0);
    mounts.set(digest, new Set(mounted.map(({ at }) => at)));
  }
  return (at, digest) => mounts.get(digest)?.has(at) ?? false;
}
