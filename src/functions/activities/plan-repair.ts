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
    const levels: Digest[][] = [];

    const addBlobs = (target: number, found: ParsedManifest["blobs"]): void => {
      for (const { digest, inline } of found) {
        const sizeBytes = sizes.get(`${target} ${digest}`);
        if (sizeBytes === undefined) continue; // a foreign layer that was left out
        blobs.push({ digest, sizeBytes, targets: [target], ...(inline && { inline: true as const }) });
      }
    };

    for (const { target, manifest, error } of refused) {
      const at = names.indexOf(target.name);
      if (isSparseRefusal(record, { manifest, error })) throw sparseRefused(error, manifest.digest);
      const isNamed = namedBy(error);
      const parsed = parseManifest(manifest.bytes, manifest.mediaType, placeOf(source));
      addBlobs(
        at,
        parsed.blobs.filter(({ digest }) => isNamed(digest)),
      );
      let wave = parsed.children.map(({ digest }) => digest).filter(isNamed);
      while (wave.length > 0) {
        const planned = [...(await parts.readManifests(record.id, wave)).keys()];
        const loaded = await loadManifests(parts, { record, source, digests: planned }, signal);
        const children = loaded.map(({ bytes, mediaType }) => parseManifest(bytes, mediaType, placeOf(source)));
        for (const child of children) addBlobs(at, child.blobs);
        levels.unshift(planned); // children first
        wave = children.flatMap((child) => child.children.map(({ digest }) => digest));
      }
    }
    if (blobs.length === 0 && levels.flat().length === 0) throw first.error; // nothing of it is this import's
    const digest = namedDigests(first.error)[0] ?? first.manifest.digest;
    const { kind, error, repair } = toIncomplete({ blobs, levels, error: { ...first.error.toWire(), digest } });
    // What was read again was not this.
    return { kind, error, repair: { ...repair, ...(record.spec.verify === "full" && { verify: repair.units }) } };
  };
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
    const targets = [...new Set([...(merged.get(blob.digest)?.targets ?? []), ...blob.targets])].toSorted();
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

/** Which content a refusal speaks of: all, where it names none. */
function namedBy(error: ImportError): (digest: Digest) => boolean {
  const named = namedDigests(error);
  return (digest) => named.length === 0 || named.length > maxNamed || named.includes(digest);
}

/** Of a sparse index the children that were left out are missing on purpose; one that names none speaks of those. */
function isSparseRefusal(
  { spec, targetDigest }: ImportRecord,
  { manifest, error }: Pick<RefusedManifest, "manifest" | "error">,
): boolean {
  return spec.sparseIndex && manifest.digest === targetDigest && namedDigests(error).length === 0;
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
