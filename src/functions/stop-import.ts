import type { ImportId } from "../domain/import-id.ts";
import { hasEnded, type ImportRecord } from "../domain/import-record.ts";
import type { Imports } from "../store/imports.ts";
import type { Open } from "../store/open.ts";
import type { CancellationWatch } from "./cancellation-watch.ts";

export interface StopImportDeps {
  readonly imports: Pick<Imports, "update">;
  readonly open: Pick<Open, "requestStop">;
  readonly cancellation: Pick<CancellationWatch, "notify">;
}

/** Applies `change` to the record; undefined: there is no such import. */
export type StopImport = (
  importId: ImportId,
  change: (record: ImportRecord) => ImportRecord,
) => Promise<ImportRecord | undefined>;

/**
 * Makes what runs for an import stop: the record first, since it is what counts, then the mark that every process
 * polls, then the activities of this process.
 */
export function createStopImport({ imports, open, cancellation }: StopImportDeps): StopImport {
  return async (importId, change) => {
    const record = await imports.update(importId, change);
    if (record === undefined || hasEnded(record.state)) return record; // an open row is then of a retry that just begins
    if (await open.requestStop(importId, record.attempt)) cancellation.notify(importId); // else a retry was faster
    return record;
  };
}
