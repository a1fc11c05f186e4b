import type { ImportRecord } from "../domain/import-record.ts";
import { ImportError } from "../errors.ts";
import type { Imports, StoredImport } from "../store/imports.ts";
import { importGone } from "./import-gone.ts";

/** The record as an activity last saw it: a change costs one transaction unless somebody else has written. */
export interface HeldRow {
  readonly record: () => ImportRecord;
  /** `change` is pure, returns what it was given when there is nothing to do, and may be asked again. */
  readonly change: (change: (record: ImportRecord) => ImportRecord) => Promise<ImportRecord>;
}

/** Opens the row that an activity has read. Changes throw CANCELLED once the import has begun anew. */
export function holdRow(imports: Pick<Imports, "replace" | "update">, row: StoredImport): HeldRow {
  let held: StoredImport | undefined = row;
  let last = row.record;
  return {
    record: () => last,
    change: async (change) => {
      const changed = held && change(held.record);
      if (held !== undefined && changed === held.record) return changed;
      const written = held && changed && (await imports.replace({ record: changed, etag: held.etag }));
      if (written !== undefined && written !== "conflict") {
        held = written;
        last = written.record;
        return last;
      }
      held = undefined; // another writer: from here on each change reads first
      const updated = await imports.update(last.id, (record) => change(ofAttempt(record, last.attempt)));
      if (updated === undefined) throw importGone(last.id);
      last = updated;
      return last;
    },
  };
}

function ofAttempt(record: ImportRecord, attempt: number): ImportRecord {
  if (record.attempt === attempt) return record;
  throw new ImportError({ code: "CANCELLED", what: `attempt ${attempt} of import ${record.id} is over` });
}
