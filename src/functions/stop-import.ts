import type { ImportId } from "../domain/import-id.ts";
import { hasEnded, type ImportRecord, isCurrent } from "../domain/import-record.ts";
import type { Imports } from "../store/imports.ts";
import type { Open } from "../store/open.ts";
import type { CancellationWatch } from "./cancellation-watch.ts";

export interface StopImportDeps {
  readonly imports: Pick<Imports, "read" | "update">;
  readonly open: Pick<Open, "requestStop" | "takeBack">;
  readonly cancellation: Pick<CancellationWatch, "notify">;
}

/** Applies `change` to the record; undefined: there is no such import. */
export type StopImport = (
  importId: ImportId,
  change: (record: ImportRecord) => ImportRecord,
) => Promise<ImportRecord | undefined>;

/**
 * Makes what runs for an import stop: the record first, since it is what counts, then the mark that every process
 * polls, then the activities of this process. Where the row is of a later attempt, that one has begun, or it never will:
 * what was to replace this one was too late, or its process has ended.
 */
export function createStopImport({ imports, open, cancellation }: StopImportDeps): StopImport {
  return async (importId, change) => {
    const record = await imports.update(importId, change);
    if (record === undefined || hasEnded(record.state)) return record; // an open row is then of a retry that just begins
    const { attempt } = record;
    const look = async () => {
      const current = (await imports.read(importId))?.record;
      return current !== undefined && isCurrent(current, attempt) ? { isStopped: true } : undefined;
    };
    if ((await open.requestStop(importId, attempt)) || (await open.takeBack(importId, attempt, look)))
      cancellation.notify(importId);
    return record;
  };
}
