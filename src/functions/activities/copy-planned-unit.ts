import type { ImportId } from "../../domain/import-id.ts";
import type { Unit } from "../../domain/import-plan.ts";
import type { ImportRecord } from "../../domain/import-record.ts";
import { ImportError } from "../../errors.ts";
import type { Repository } from "../../registry/registry.ts";
import type { PartResult, Parts } from "../../store/parts.ts";
import type { CopyUnit, UnitContext, UnitOutcome } from "../../transfer/copy-unit.ts";
import type { OpenRepositories } from "../open-repositories.ts";
import type { SignsOfLife } from "../signs-of-life.ts";
import type { Unfinished } from "../steps.ts";
import type { ActivityContext } from "./activity-frame.ts";
import { createUnitReporter } from "./unit-reporter.ts";

export interface CopyPlannedUnitDeps {
  readonly parts: Pick<Parts, "readInline" | "reportUnit" | "markDone">;
  readonly repositories: Pick<OpenRepositories, "ofImport">;
  readonly copyUnit: CopyUnit;
  readonly life: Pick<SignsOfLife, "moved">;
  readonly now: () => Date;
  /** Milliseconds of a clock that nobody sets back. */
  readonly elapsedMs: () => number;
  /** Budget of an activity whose target takes no chunks: functionTimeout less what ending in order takes. */
  readonly wholeBlobBudgetMs: number;
  /** What resolve saw in a former process may have been outrun by a copy that died with it. */
  readonly processStartedAt: Date;
}

export interface UnitToCopy {
  readonly importId: ImportId;
  readonly unit: Unit;
  /** How often it was handed out before. */
  readonly round: number;
  /** A call of before was cut off while it sent content; undefined: that is not known of those there were. */
  readonly isRepeated?: boolean | undefined;
  /** The target has lost these blobs, or never had them. */
  readonly isRepair?: true | undefined;
}

/** `done`: what the rows of its blobs are to say, for the caller to store. Otherwise what is in place is stored already. */
export type CopiedUnit =
  | { readonly kind: "done"; readonly results: readonly PartResult[]; readonly reportedUnit: number | undefined }
  | Unfinished;

export type CopyPlannedUnit = (unit: UnitToCopy, context: ActivityContext) => Promise<CopiedUnit>;

const trustMs = 5 * 60_000; // how long a HEAD of resolve counts

/**
 * Copies one unit. What came to be in place is never lost, also when the unit fails. Reports bytes while it runs: at
 * most every 2 s, and only after the first 2 s.
 */
export function createCopyPlannedUnit(deps: CopyPlannedUnitDeps): CopyPlannedUnit {
  const { parts, repositories, copyUnit, life, elapsedMs } = deps;
  return async ({ importId, unit, round, isRepeated = round > 0, isRepair = false }, context) => {
    const { row, budget, signal, onCut } = context;
    const { source, targets } = await repositories.ofImport(row.record, "copy");
    await Promise.all(targets.map(({ registry }) => registry.recall(signal))); // others may know that they take no chunks
    const couldChunk = mayChunk(targets);
    const results: PartResult[] = [];
    const reporter = createUnitReporter(async (copiedBytes) => {
      await parts.reportUnit(importId, unit.n, { copiedBytes });
      await life.moved();
    });
    const settle = async () => ((await reporter.settled()) ? unit.n : undefined);
    const storeSome = async () => {
      const reportedUnit = await settle();
      if (results.length > 0 || reportedUnit !== undefined) await parts.markDone(importId, results, reportedUnit);
    };
    const unitContext: UnitContext = {
      source,
      targets,
      readInline: async (digest) => (await parts.readInline(importId, digest)) ?? lostContent(digest),
      headFirst: round > 0 || isOld(row.record, deps),
      isRepair,
      isRepeated,
      owner: importId,
      budget: couldChunk ? budget : { ...budget, endsAt: elapsedMs() + deps.wholeBlobBudgetMs },
      onCut,
      onPart: (part) => results.push({ kind: "blob", ...part }),
      onProgress: ({ bytes }) => reporter.report(bytes.copied, elapsedMs()),
    };
    const copied = await copyUnit(unit, unitContext, signal).catch(async (thrown: unknown) => {
      await storeSome();
      throw thrown;
    });
    if (copied.end.kind === "done") return { kind: "done", results, reportedUnit: await settle() };
    await storeSome();
    if (copied.end.kind === "more" && !copied.end.hasProgressed && isRepeated && couldChunk === mayChunk(targets))
      throw outOfTime(couldChunk);
    return toUnfinished(copied.end);
  };
}

/** Where no chunks are taken a blob goes in one piece or not at all: nearly all of functionTimeout is its budget. */
function mayChunk(targets: readonly Repository[]): boolean {
  return targets.every(({ registry }) => registry.profile.chunkBytes > 0);
}

function isOld({ startedAt }: ImportRecord, { now, processStartedAt }: CopyPlannedUnitDeps): boolean {
  const resolvedMs = startedAt === undefined ? 0 : Date.parse(startedAt);
  return resolvedMs < processStartedAt.getTime() || now().getTime() - resolvedMs > trustMs;
}

function toUnfinished(end: Exclude<UnitOutcome["end"], { kind: "done" }>): Unfinished {
  switch (end.kind) {
    case "wait": {
      const { retryAfterSeconds, error } = end;
      return { kind: "wait", retryAfterSeconds, ...(error && { error: error.toWire() }) };
    }
    case "more":
      return { kind: "more" };
  }
}

/** Of a unit that is called again and has nothing that stays to show for it. */
function outOfTime(couldChunk: boolean): ImportError {
  return new ImportError({
    code: "DEADLINE_EXCEEDED",
    stage: "copy",
    what: couldChunk
      ? "within a whole budget of an activity not one chunk of a blob came over"
      : "a blob did not come over within the time of one activity, and the target takes no chunks",
    hint: couldChunk
      ? "source or target is too slow: raise ACTIVITY_BUDGET_SECONDS"
      : "source or target is too slow: raise functionTimeout",
  });
}

function lostContent(digest: string): never {
  throw new Error(`the inline content of ${digest} is not stored`);
}
