import type { Digest } from "../digest.ts";
import type { PlannedBlob, Unit, Via } from "../domain/import-plan.ts";
import { ImportError } from "../errors.ts";
import type { Repository } from "../registry/registry.ts";
import type { Budget } from "./budget.ts";
import type { BlobOutcome, CopyBlob, CopyBlobJob } from "./copy-blob.ts";
import { mapConcurrently } from "./map-concurrently.ts";
import { placesToFill } from "./mount-sources.ts";

export interface CopyUnitDeps {
  readonly copyBlob: CopyBlob;
  readonly parallelBlobs: number;
}

export interface UnitContext {
  readonly source: Repository;
  /** All target repositories of the import, at the positions that plans name. */
  readonly targets: readonly Repository[];
  /** The bytes of a blob that is planned as inline. */
  readonly readInline: (digest: Digest, signal: AbortSignal) => Promise<Uint8Array>;
  readonly headFirst: boolean;
  /** See {@link CopyBlobJob}. */
  readonly isRepair: boolean;
  /** See {@link CopyBlobJob}. */
  readonly isRepeated: boolean;
  /** See {@link CopyBlobJob}. */
  readonly onCut: () => void;
  /** Import id. */
  readonly owner: string;
  readonly budget: Budget;
  /** Called for each blob and target as soon as it is there: also when the unit fails later. */
  readonly onPart: (part: CopiedPart) => void;
  /** Called at every change, thousands of times a second: whoever stores it chooses when. */
  readonly onProgress: (progress: UnitProgress) => void;
}

/** One blob that is in one target repository now. */
export interface CopiedPart {
  readonly target: number;
  readonly digest: Digest;
  readonly via: Via;
  readonly ms: number;
  readonly attempts: number;
}

/** Of this call: absolute numbers over (blob, target) pairs; bytes of blobs on their way count as copied. */
export interface UnitProgress {
  readonly doneBlobs: number;
  readonly bytes: Readonly<Record<Via, number>>;
}

export interface UnitOutcome {
  /** What this call has finished, whatever its end. */
  readonly parts: readonly CopiedPart[];
  readonly end:
    | { readonly kind: "done" }
    | { readonly kind: "wait"; readonly retryAfterSeconds: number; readonly error?: ImportError }
    /** `hasProgressed` is false when a whole budget brought nothing that stays. */
    | { readonly kind: "more"; readonly hasProgressed: boolean };
}

export type CopyUnit = (unit: Unit, context: UnitContext, signal: AbortSignal) => Promise<UnitOutcome>;

/**
 * Copies the blobs of one unit, several at once. A permanent failure stops the others and is thrown at once; a passing
 * one is thrown after the others have ended. What was finished by then came through `onPart`.
 */
export function createCopyUnit({ copyBlob, parallelBlobs }: CopyUnitDeps): CopyUnit {
  return async (unit, context, signal) => {
    const stop = new AbortController();
    const unitSignal = AbortSignal.any([signal, stop.signal]);
    const tally = createTally(unit, context);
    const passing: ImportError[] = [];
    const ends = await mapConcurrently(unit.blobs, parallelBlobs, async (blob) => {
      try {
        return await copyToTargets({ copyBlob, context, tally }, blob, unitSignal);
      } catch (thrown) {
        if (!(thrown instanceof ImportError) || !thrown.retryable || unitSignal.aborted) {
          stop.abort(thrown);
          throw thrown;
        }
        passing.push(thrown);
        return undefined;
      }
    });
    if (passing[0] !== undefined) throw passing[0];
    return {
      parts: tally.parts,
      end: joinEnds(
        ends.filter((end) => end !== undefined),
        tally.parts.length > 0,
      ),
    };
  };
}

interface Copying extends Pick<CopyUnitDeps, "copyBlob"> {
  readonly context: UnitContext;
  readonly tally: Tally;
}

type Unfinished = Exclude<BlobOutcome, { kind: "done" }>;

/** Streams a blob to the first target that lacks it; from there the others can mount it. */
async function copyToTargets(
  { copyBlob, context, tally }: Copying,
  blob: PlannedBlob,
  signal: AbortSignal,
): Promise<Unfinished | undefined> {
  const { source, targets, headFirst, isRepair, isRepeated, onCut, owner, budget } = context;
  const { digest, sizeBytes } = blob;
  const inline = blob.inline ? { inline: await context.readInline(digest, signal) } : {};
  for (const { at, target, filled } of placesToFill(blob.targets, targets)) {
    const onProgress = (bytes: number): void => tally.copying(at, digest, bytes);
    const how = { filled, headFirst, isRepair, isRepeated, onCut, owner, budget, onProgress };
    const job: CopyBlobJob = { source, target, digest, sizeBytes, ...inline, ...how };
    const outcome = await copyBlob(job, signal);
    if (outcome.kind !== "done") return outcome;
    tally.done({ target: at, digest, via: outcome.via, ms: outcome.ms, attempts: outcome.attempts }, sizeBytes);
  }
  return undefined;
}

/** Waiting comes before going on: whoever asked for it would ask again. */
function joinEnds(ends: readonly Unfinished[], hasParts: boolean): UnitOutcome["end"] {
  const waits = ends.flatMap((end) => (end.kind === "wait" ? [end] : []));
  const [longest] = waits.toSorted((one, other) => other.retryAfterSeconds - one.retryAfterSeconds);
  if (longest !== undefined) return longest;
  if (ends.length === 0) return { kind: "done" };
  return { kind: "more", hasProgressed: hasParts || ends.some((end) => end.kind === "more" && end.hasProgressed) };
}

interface Tally {
  readonly parts: readonly CopiedPart[];
  readonly copying: (target: number, digest: Digest, bytes: number) => void;
  readonly done: (part: CopiedPart, sizeBytes: number) => void;
}

function createTally({ blobs }: Unit, { onPart, onProgress }: UnitContext): Tally {
  const parts: CopiedPart[] = [];
  const bytes = { copied: 0, mounted: 0, skipped: 0 };
  const onTheirWay = new Map<string, number>(blobs.map(({ digest }) => [digest, 0]));
  const copying = (target: number, digest: Digest, seenBytes: number): void => {
    const name = `${target} ${digest}`;
    bytes.copied += seenBytes - (onTheirWay.get(name) ?? 0);
    onTheirWay.set(name, seenBytes);
    onProgress({ doneBlobs: parts.length, bytes: { ...bytes } });
  };
  return {
    parts,
    copying,
    done: (part, sizeBytes) => {
      parts.push(part);
      const { target, digest, via } = part;
      copying(target, digest, via === "copied" ? sizeBytes : 0);
      if (via !== "copied") bytes[via] += sizeBytes;
      onPart(part);
      onProgress({ doneBlobs: parts.length, bytes: { ...bytes } });
    },
  };
}
