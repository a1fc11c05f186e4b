import type { ImportRecord } from "../../domain/import-record.ts";
import { publishing, type RecordEnd } from "../../domain/import-transitions.ts";
import { withRate } from "../../domain/progress.ts";
import { ImportError, unreachable } from "../../errors.ts";
import type { Imports } from "../../store/imports.ts";
import type { Parts } from "../../store/parts.ts";
import type { EndImport } from "../end-import.ts";
import { holdRow } from "../held-row.ts";
import type { OpenRepositories } from "../open-repositories.ts";
import { type CheckedOutcome, type FinishInput, finishInputSchema, type ImportEnd } from "../steps.ts";
import { findSuperseded } from "../superseded.ts";
import type { Activity } from "./activity-frame.ts";
import type { PublishRoot } from "./publish-root.ts";

export interface FinishImportDeps {
  readonly imports: Pick<Imports, "replace" | "update">;
  readonly parts: Pick<Parts, "sum" | "markDone">;
  readonly repositories: Pick<OpenRepositories, "ofImport">;
  readonly publishRoot: PublishRoot;
  readonly endImport: EndImport;
  readonly now: () => Date;
}

/**
 * The end of an import, whatever it is: tags and the digests without a tag, then the terminal record. The only step that
 * writes `Cancelled`.
 */
export function createFinishImport(deps: FinishImportDeps): Activity<FinishInput, CheckedOutcome> {
  const { imports, parts, publishRoot, endImport, now } = deps;
  return {
    name: "finishImport",
    input: finishInputSchema,
    role: "finisher",
    isTimed: ({ end }) => end.kind === "published",
    work: async ({ importId, attempt, end }, { row, signal }) => {
      const held = holdRow(imports, row);
      let finalEnd: RecordEnd;
      if (end.kind === "published") {
        const record = await held.change((current) => publishing(current, now())); // throws CANCELLED when somebody was faster
        const root = await publishRoot(record, signal);
        if (root.kind === "incomplete") return root;
        if (root.kind === "published") await parts.markDone(importId, root.results);
        finalEnd = { state: root.kind === "published" ? "Succeeded" : "Skipped", warnings: root.warnings };
      } else if (end.kind === "delegated") {
        await held.change((record) => publishing(record, now())); // ACR has put the tags: the record passes the point where it can be cancelled
        finalEnd = { state: "Succeeded" };
      } else {
        finalEnd = (await supersededEnd(deps, end, row.record, signal)) ?? endOf(end, row.record);
      }
      const { progress, startedAt } = held.record();
      const sum = progress && withRate(await parts.sum(importId), startedAt ? new Date(startedAt) : undefined, now());
      await endImport({ importId, attempt }, { ...finalEnd, ...(sum && { progress: sum }) }, held);
      return { kind: "done" };
    },
  };
}

/** What was pushed may be deleted before it is copied: then nothing failed, the event is out of date. */
async function supersededEnd(
  { repositories }: FinishImportDeps,
  end: ImportEnd,
  record: ImportRecord,
  signal: AbortSignal,
): Promise<RecordEnd | undefined> {
  if (end.kind !== "failed" || end.error.code !== "SOURCE_NOT_FOUND" || record.cancelRequestedAt !== undefined) return;
  try {
    const { source } = await repositories.ofImport(record, "publish");
    const warning = await findSuperseded(record, source, signal);
    return warning === undefined ? undefined : { state: "Skipped", warnings: [warning] };
  } catch (thrown) {
    if (thrown instanceof ImportError) return undefined; // not to be found out: it ends with what it failed with
    throw thrown;
  }
}

/** A cancelled import ends as that, also when it failed at the same time; a stopped one by what stopped it. */
function endOf(end: Exclude<ImportEnd, { kind: "published" | "delegated" }>, record: ImportRecord): RecordEnd {
  if (record.cancelRequestedAt !== undefined && record.state !== "Publishing") return { state: "Cancelled" };
  switch (end.kind) {
    case "skipped": {
      const targetDigest = record.targetDigest ?? record.source?.digest;
      return { state: "Skipped", ...(targetDigest && { targetDigest }) };
    }
    case "failed":
      return { state: "Failed", error: end.error };
    case "cancelled":
      return record.error === undefined ? { state: "Cancelled" } : { state: "Failed", error: record.error };
    default:
      return unreachable(end);
  }
}
