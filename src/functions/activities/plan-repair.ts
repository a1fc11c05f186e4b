import type { Digest } from "../../digest.ts";
import type { PlannedBlob } from "../../domain/import-plan.ts";
import type { ImportRecord } from "../../domain/import-record.ts";
import { targetRepositories } from "../../domain/import-spec.ts";
import { type ParsedManifest, parseManifest } from "../../domain/manifest.ts";
import { planUnits } from "../../domain/plan.ts";
import { definedOnly, ImportError, type ImportErrorWire } from "../../errors.ts";
import type { Parts } from "../../store/parts.ts";
import { placeOf } from "../../transfer/place-of.ts";
import type { RefusedManifest } from "../../transfer/publish-manifests.ts";
import type { OpenRepositories } from "../open-repositories.ts";
import type { Incomplete } from "../steps.ts";
import { loadManifests } from "./load-manifests.ts";

export interface PlanRepairDeps {
  readonly parts: Pick<Parts, "readManifests" | "readBlobs">;
  readonly repositories: Pick<OpenRepositories, "ofImport">;
}

/**
 * What to copy and publish again so that manifests which were refused for want of content can be put: what the target
 * has named, else everything that they refer to. What the import leaves out on purpose is not missing: a refusal of that
 * is thrown.
 */
export type PlanRepair = (
  record: ImportRecord,
  refused: readonly RefusedManifest[],
  signal: AbortSignal,
) => Promise<Incomplete>;

export function createPlanRepair({ parts, repositories }: PlanRepairDeps): PlanRepair {
  return async (record, refused, signal) => {
    const [first] = refused;
    if (first === undefined) throw new Error("a repair is planned and nothing was refused");
    const { source } = await repositories.ofImport(record, "publish");
    const names = targetRepositories(record.spec);
    const sizes = new Map(
      (await parts.readBlobs(record.id)).map(({ target, digest, sizeBytes }) => [`${target} ${digest}`, sizeBytes]),
    );
    const blobs: PlannedBlob[] = [];
    const levels: (readonly Digest[])[] = [];

    const load = async (wave: readonly Digest[]): Promise<ManifestLevel> => {
      const digests = [...(await parts.readManifests(record.id, wave)).keys()];
      const loaded = await loadManifests(parts, { record, source, digests }, signal);
      return { digests, manifests: loaded.map((one) => parseManifest(one.bytes, one.mediaType, placeOf(source))) };
    };

    for (const { target, manifest, error } of refused) {
      const at = names.indexOf(target.name);
      // Of a sparse index all that was left out is missing on purpose: only what the target names may be more.
      const isNamed = namedBy(error, isSparse(record, manifest.digest) ? "nothing" : "everything");
      const parsed = parseManifest(manifest.bytes, manifest.mediaType, placeOf(source));
      const below = await walkDown(parsed.children.map(({ digest }) => digest).filter(isNamed), load);
      const found = [...parsed.blobs.filter(({ digest }) => isNamed(digest)), ...below.flatMap(blobsOf)];
      blobs.push(...toPlanned(at, found, sizes));
      levels.push(...below.map(({ digests }) => digests).toReversed()); // children first
    }
    if (blobs.length === 0 && levels.flat().length === 0) throw nothingToRepair(record, first);
    const digest = namedDigests(first.error)[0] ?? first.manifest.digest;
    const { kind, error, repair } = toIncomplete({ blobs, levels, error: { ...first.error.toWire(), digest } });
    // What was read again was not this.
    return { kind, error, repair: { ...repair, ...(record.spec.verify === "full" && { verify: repair.units }) } };
  };
}

/** Without foreign layers that were left out: the import has no rows of those. */
function toPlanned(
  target: number,
  found: ParsedManifest["blobs"],
  sizes: ReadonlyMap<string, number>,
): readonly PlannedBlob[] {
  return found.flatMap(({ digest, inline }) => {
    const sizeBytes = sizes.get(`${target} ${digest}`);
    if (sizeBytes === undefined) return [];
    return [{ digest, sizeBytes, targets: [target], ...(inline && { inline: true as const }) }];
  });
}

/** Manifests of one depth below an index, without what the import leaves out. */
interface ManifestLevel {
  readonly digests: readonly Digest[];
  readonly manifests: readonly ParsedManifest[];
}

/** Everything below an index, level by level. */
async function walkDown(
  children: readonly Digest[],
  load: (digests: readonly Digest[]) => Promise<ManifestLevel>,
): Promise<readonly ManifestLevel[]> {
  const levels: ManifestLevel[] = [];
  for (let wave = children; wave.length > 0; ) {
    const level = await load(wave);
    levels.push(level);
    wave = level.manifests.flatMap((manifest) => manifest.children.map(({ digest }) => digest));
  }
  return levels;
}

function blobsOf({ manifests }: ManifestLevel): ParsedManifest["blobs"] {
  return manifests.flatMap(({ blobs }) => blobs);
}

interface Repair {
  /** A blob may be named several times, for other targets. */
  readonly blobs: readonly PlannedBlob[];
  readonly levels: readonly (readonly Digest[])[];
  readonly error: ImportErrorWire;
}

/** The outcome of a step that has found something missing. */
export function toIncomplete({ blobs, levels, error }: Repair): Incomplete {
  const merged = new Map<Digest, PlannedBlob>();
  for (const blob of blobs) {
    const targets = [...new Set([...(merged.get(blob.digest)?.targets ?? []), ...blob.targets])].toSorted(
      (a, b) => a - b,
    );
    merged.set(blob.digest, { ...blob, targets });
  }
  const { units } = planUnits([...merged.values()], () => false); // a large one is a unit of its own in any case
  return {
    kind: "incomplete",
    error,
    repair: {
      ...{ v: 1, kind: "copy", units, large: [] },
      levels: levels.filter(({ length }) => length > 0).map((level) => [...level]),
    },
  };
}

function namedDigests(error: ImportError): readonly string[] {
  return (error.toWire().upstream ?? []).flatMap(({ digest }) => digest ?? []);
}

const maxNamed = 4; // an error keeps five of the registry's own: with so many, there may have been more

/** Which content a refusal speaks of; `otherwise` where it names none, or may have named more. */
function namedBy(error: ImportError, otherwise: "everything" | "nothing"): (digest: Digest) => boolean {
  const named = namedDigests(error);
  const isCertain = named.length > 0 && named.length <= maxNamed;
  return (digest) => (!isCertain && otherwise === "everything") || named.includes(digest);
}

function isSparse({ spec, targetDigest }: ImportRecord, digest: Digest): boolean {
  return spec.sparseIndex && digest === targetDigest;
}

/** The error of a refusal where nothing that is missing is this import's. */
function nothingToRepair(record: ImportRecord, { manifest, error }: RefusedManifest): ImportError {
  return isSparse(record, manifest.digest) ? sparseRefused(error, manifest.digest) : error;
}

function sparseRefused(error: ImportError, digest: Digest): ImportError {
  const { side, registry, stage, httpStatus, upstream } = error.toWire();
  return new ImportError({
    ...definedOnly({ side, registry, stage, httpStatus, upstream }),
    code: "TARGET_SPARSE_REFUSED",
    digest,
    what: "the index was refused, since children of it are missing",
    hint: "import without sparseIndex: the index is then rewritten to the platforms that were asked for",
    cause: error,
  });
}
