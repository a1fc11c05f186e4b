import { type Digest, digestOf } from "../digest.ts";
import { decideConflict, type TargetState } from "../domain/conflict.ts";
import type { ImportPlan, Part } from "../domain/import-plan.ts";
import { isPush, type Trigger } from "../domain/import-record.ts";
import { type ImportSpec, targetRepositories } from "../domain/import-spec.ts";
import type { ResolvedSource } from "../domain/import-transitions.ts";
import { planImport } from "../domain/plan.ts";
import { formatPlatform } from "../domain/platform.ts";
import { type FetchedManifest, headManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";
import { both } from "./both.ts";
import { isCompleteAtTargets } from "./complete-at-target.ts";
import { type FoundSource, findSource } from "./find-source.ts";
import { mapConcurrently } from "./map-concurrently.ts";
import { placeOf } from "./place-of.ts";
import type { ReadManifest } from "./read-manifest.ts";
import { readTag } from "./read-tag.ts";
import { selectPlatforms } from "./select-platforms.ts";
import { findSettled } from "./settled-referrers.ts";
import { sourceNotFound } from "./source-not-found.ts";
import { findPresent, type Presence } from "./target-presence.ts";
import { type Cargo, loadCargo } from "./travel-along.ts";
import { walkGraph } from "./walk-graph.ts";

export interface ResolveRequest {
  readonly spec: ImportSpec;
  readonly trigger: Trigger["kind"];
  readonly source: Repository;
  /** Reads manifests of the source. */
  readonly readManifest: ReadManifest;
  /** In the order of {@link targetRepositories}. */
  readonly targets: readonly Repository[];
  /** Found by an earlier attempt: that one is copied, whatever the tag says now. */
  readonly pinned: Digest | undefined;
  /** What an earlier attempt may have put tags to. */
  readonly taggedDigest: Digest | undefined;
  /** Called once the digest is known, before anything else is asked for; what it stores outlives a crash. */
  readonly onPinned: (source: ResolvedSource) => Promise<void>;
  readonly needsCheckpoints: (sizeBytes: number) => boolean;
}

/** Everything there is to know before the first byte is copied. */
export interface ResolvedImport {
  readonly source: ResolvedSource;
  /** Of the manifest that the tags will point to. */
  readonly targetDigest: Digest;
  readonly plan: ImportPlan;
  /** A row for each manifest and blob and target repository. */
  readonly parts: readonly Part[];
  readonly warnings: readonly string[];
}

const parallelRequests = 16;

/**
 * Finds out what an import has to do; writes nothing at any registry. The conflict policy speaks before any content is
 * looked at: at once where the digest that will be tagged is known from the HEAD, else after the platforms were chosen.
 */
export async function resolveImport(request: ResolveRequest, signal: AbortSignal): Promise<ResolvedImport> {
  const { spec, source, readManifest, onPinned } = request;
  const [found, states] = await both(
    (joined) => findPinned(request, joined),
    (joined) => readTargets(request, joined),
    signal,
  );
  await onPinned(found.source);
  const isWhole = spec.platforms === undefined || spec.sparseIndex;
  const mayLeave = async (digest: Digest): Promise<boolean> =>
    decide(request, states, digest) === "skip" && (await isLeftAlone(request, digest, signal));
  const isThere = isWhole && (await mayLeave(found.source.digest));
  if (isThere && spec.referrers === undefined) return skipped(found.source);

  const root = found.manifest ?? (await getPinned(request, found.source.digest, signal));
  const index = spec.sparseIndex ? "sparse" : "rewrite";
  const { platforms } = spec;
  const selected = platforms && (await selectPlatforms(source, root, { platforms, index, readManifest }, signal));
  const bytes = selected?.bytes ?? root.bytes;
  const targetDigest = selected?.isRewritten ? digestOf(bytes, root.digest) : root.digest;
  const isSkipped = isThere || (!isWhole && (await mayLeave(targetDigest)));
  if (isSkipped && spec.referrers === undefined) return skipped(found.source, targetDigest);

  const graph = await walkGraph(
    {
      source,
      root: { bytes, mediaType: root.mediaType, digest: targetDigest },
      foreignLayers: spec.foreignLayers,
      readManifest,
      selectChildren: (index, digest) => (digest === targetDigest && selected ? selected.kept : index.children),
    },
    signal,
  );
  const cargo = await loadCargo(
    { spec, source, readManifest, root: targetDigest, original: root.digest, graph },
    signal,
  );
  const { present, warnings } = await findMissing(request, { cargo, states, targetDigest, isSkipped }, signal);
  const parts = toParts(request, cargo, present);
  if (isSkipped && parts.every(({ state }) => state === "done")) return skipped(found.source, targetDigest);
  return {
    source: { digest: found.source.digest, mediaType: root.mediaType },
    targetDigest,
    plan: toPlan(request, cargo, present, targetDigest),
    parts,
    warnings: [...cargo.warnings, ...warnings],
  };
}

/**
 * Whether what the targets hold under their tags is left as it is: it must be there to its last blob, since what is
 * skipped is to be pulled. Where every blob is to be read again, it always goes the whole way.
 */
async function isLeftAlone({ spec, targets }: ResolveRequest, root: Digest, signal: AbortSignal): Promise<boolean> {
  return spec.verify !== "full" && (await isCompleteAtTargets({ targets, root, spec }, signal));
}

interface MissingQuestion {
  readonly cargo: Cargo;
  readonly states: readonly PlacedState[];
  readonly targetDigest: Digest;
  /** The image itself is left alone as it is: only what travels along is looked for. */
  readonly isSkipped: boolean;
}

/** What the targets have already: a referrer only when it is also listed there, or under its cosign tags. */
async function findMissing({ spec, targets }: ResolveRequest, question: MissingQuestion, signal: AbortSignal) {
  const { cargo, states, targetDigest, isSkipped } = question;
  const isAsked = (digest: Digest) => !isSkipped || !cargo.own.has(digest);
  const asked = await findPresent(
    {
      targets,
      isKnown: (at) => states.some((state) => state.target === at && state.digest !== undefined),
      manifests: cargo.manifests
        .map(({ digest }) => digest)
        .filter((digest) => isAsked(digest) && (digest !== targetDigest || cargo.rootIs === "byDigest")),
      blobs: cargo.blobs.filter(({ digest }) => isAsked(digest)),
    },
    signal,
  );
  const present: Presence = {
    hasManifest: (target, digest) => !isAsked(digest) || asked.hasManifest(target, digest),
    hasBlob: (target, digest) => !isAsked(digest) || asked.hasBlob(target, digest),
  };
  const toSettle = cargo.manifests
    .map((manifest) => ({ ...manifest, tags: cargo.tags.get(manifest.digest) ?? [] }))
    .filter(({ subject, tags }) => subject !== undefined || tags.length > 0);
  const settled = await findSettled({ targets, manifests: toSettle, present, conflict: spec.conflict }, signal);
  const unsettled = new Set(toSettle.map(({ digest }) => digest));
  const hasManifest: Presence["hasManifest"] = (target, digest) =>
    unsettled.has(digest) ? settled.isSettled(target, digest) : present.hasManifest(target, digest);
  return { present: { ...present, hasManifest }, warnings: settled.warnings };
}

/** What the source's reference stands for. */
async function findPinned({ spec, source, pinned }: ResolveRequest, signal: AbortSignal): Promise<FoundSource> {
  const { tag = "latest", digest } = spec.source;
  const reference = pinned ?? digest ?? tag;
  const found = await findSource(source, reference, signal);
  if (found === undefined) throw sourceNotFound(source, reference);
  return found;
}

async function getPinned(
  { source, readManifest }: ResolveRequest,
  digest: Digest,
  signal: AbortSignal,
): Promise<FetchedManifest> {
  const manifest = await readManifest(digest, signal);
  if (manifest === undefined) throw sourceNotFound(source, digest);
  return manifest;
}

type PlacedState = TargetState & { readonly target: number };

/**
 * What the target tags point to now. Of a repository to be filled by digest only, nothing is asked yet, unless an event
 * was the cause: that may be the echo of a push by digest.
 */
async function readTargets(
  { spec, targets, trigger }: ResolveRequest,
  signal: AbortSignal,
): Promise<readonly PlacedState[]> {
  const names = targetRepositories(spec);
  const tags = spec.target.tags.map((place) => ({ ...place, target: names.indexOf(place.repository) }));
  const tagged = await mapConcurrently(tags, parallelRequests, async ({ repository, tag, target }) => {
    const repositoryAtTarget = targets[target];
    const digest = repositoryAtTarget && (await readTag(repositoryAtTarget, tag, undefined, signal));
    return { repository, tag, target, digest };
  });
  const { digest } = spec.source;
  const isEcho = async (target: Repository | undefined) =>
    isPush(trigger) && target !== undefined && digest !== undefined && (await headManifest(target, digest, signal));
  const untagged = await mapConcurrently(spec.target.untaggedRepositories, parallelRequests, async (repository) => {
    const target = names.indexOf(repository);
    return { repository, target, digest: (await isEcho(targets[target])) ? digest : undefined };
  });
  return [...tagged, ...untagged];
}

function decide(
  { spec, trigger, taggedDigest, targets: [first] }: ResolveRequest,
  states: readonly PlacedState[],
  plannedDigest: Digest,
): "proceed" | "skip" {
  const at = first ? placeOf(first) : ({ side: "target", registry: spec.target.registry, stage: "resolve" } as const);
  const decision = decideConflict({
    ...{ policy: spec.conflict, trigger, plannedDigest, taggedDigest, at },
    targets: states,
  });
  if (decision.kind === "failed") throw decision.error;
  return decision.kind;
}

function skipped(source: ResolvedSource, targetDigest: Digest = source.digest): ResolvedImport {
  const plan: ImportPlan = { v: 1, kind: "skip", units: [], large: [], levels: [] };
  return { source, targetDigest, plan, parts: [], warnings: [] };
}

function toPlan(
  { spec, targets, needsCheckpoints }: ResolveRequest,
  cargo: Cargo,
  present: Presence,
  root: Digest,
): ImportPlan {
  const everywhere = [...targets.keys()];
  return planImport({
    root,
    rootIs: cargo.rootIs,
    needsCheckpoints,
    verifyIn: spec.verify === "full" ? everywhere : [],
    blobs: cargo.blobs.map(({ digest, size, inline }) => ({
      digest,
      sizeBytes: size,
      missingIn: everywhere.filter((target) => !present.hasBlob(target, digest)),
      isInline: inline !== undefined,
    })),
    levels: cargo.levels.map((level) =>
      level.filter((digest) => everywhere.some((target) => !present.hasManifest(target, digest))),
    ),
  });
}

function toParts({ targets }: ResolveRequest, cargo: Cargo, present: Presence): readonly Part[] {
  return [...targets.keys()].flatMap((target) => [
    ...cargo.manifests.map((manifest): Part => {
      const { digest, mediaType, size, bytes, children, platform, artifactType, referrerOf } = manifest;
      const tags = cargo.tags.get(digest);
      const isThere = present.hasManifest(target, digest);
      const described = { kind: "manifest", target, digest, mediaType, sizeBytes: size } as const;
      return {
        ...described,
        ...stateOf(isThere),
        ...(platform && { platform: formatPlatform(platform) }),
        ...(artifactType && { artifactType }),
        ...(referrerOf && { referrerOf }),
        ...(tags && { tags }),
        ...(children.length > 0 && { children }),
        content: bytes,
      };
    }),
    ...cargo.blobs.map(({ digest, mediaType, size, inline, platform }): Part => {
      const isThere = present.hasBlob(target, digest);
      const described = { kind: "blob", target, digest, mediaType, sizeBytes: size } as const;
      return {
        ...described,
        ...stateOf(isThere),
        ...(platform && { platform: formatPlatform(platform) }),
        ...(inline && { content: inline }),
      };
    }),
  ]);
}

function stateOf(isThere: boolean): Pick<Part, "state" | "via"> {
  return isThere ? { state: "done", via: "skipped" } : { state: "pending" };
}
