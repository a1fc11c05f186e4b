import type { Digest } from "../digest.ts";
import type { Unit } from "../domain/import-plan.ts";
import type { ImportError } from "../errors.ts";
import type { Repository } from "../registry/registry.ts";
import type { BlobReaderDeps } from "./blob-reader.ts";
import { alarmWhenOver, type Budget, type BudgetClock, BudgetEndedError } from "./budget.ts";
import { mapConcurrently } from "./map-concurrently.ts";
import { isContentFault, verifyBlob } from "./verify-blob.ts";

export interface VerifyUnitDeps {
  readonly reader: BlobReaderDeps;
  readonly after: BudgetClock["after"];
  readonly parallelBlobs: number;
}

export interface VerifyContext {
  /** All target repositories of the import, at the positions that plans name. */
  readonly targets: readonly Repository[];
  /** Blobs that an earlier call has verified. */
  readonly isVerified: (target: number, digest: Digest) => boolean;
  readonly budget: Budget;
  /** Called for each blob and target as soon as it is known to be right, also when the call fails later. */
  readonly onVerified: (blob: { readonly target: number; readonly digest: Digest }) => void;
  /** Bytes that this call has read, of all blobs together; called at every chunk. */
  readonly onProgress: (bytes: number) => void;
}

/** A blob that is not at a target as it should be. */
export interface BlobFault {
  readonly target: number;
  readonly digest: Digest;
  readonly error: ImportError;
}

export type VerifyUnitOutcome =
  | { readonly kind: "verified" }
  | { readonly kind: "faulty"; readonly faults: readonly BlobFault[] }
  /** The budget has ended. What was half read is read from its beginning next time: a hash does not outlive its process. */
  | { readonly kind: "more" };

export type VerifyUnit = (unit: Unit, context: VerifyContext, signal: AbortSignal) => Promise<VerifyUnitOutcome>;

/** Reads every blob of a unit in every repository that it is for, several at once, and hashes it. */
export function createVerifyUnit({ reader, after, parallelBlobs }: VerifyUnitDeps): VerifyUnit {
  return async ({ blobs }, { targets, isVerified, budget, onVerified, onProgress }, signal) => {
    const faults: BlobFault[] = [];
    let isCut = false;
    let readBytes = 0;
    const places = blobs.flatMap(({ digest, sizeBytes, targets: at }) =>
      at.filter((target) => !isVerified(target, digest)).map((target) => ({ target, digest, sizeBytes })),
    );
    using over = alarmWhenOver(budget, { now: reader.now, after });
    const inTime = AbortSignal.any([signal, over.signal]);
    const onChunk = (bytes: number): void => {
      readBytes += bytes;
      onProgress(readBytes);
    };
    await mapConcurrently(places, parallelBlobs, async ({ target, digest, sizeBytes }) => {
      const repository = targets[target];
      if (repository === undefined) throw new Error(`the plan names target repository ${target} of ${targets.length}`);
      try {
        inTime.throwIfAborted();
        await verifyBlob(reader, { repository, digest, sizeBytes, onChunk }, inTime);
        onVerified({ target, digest });
      } catch (thrown) {
        if (isContentFault(thrown)) faults.push({ target, digest, error: thrown });
        else if (thrown instanceof BudgetEndedError) isCut = true;
        else throw thrown;
      }
    });
    if (faults.length > 0) return { kind: "faulty", faults };
    return { kind: isCut ? "more" : "verified" };
  };
}
