import type { ImportAttempt } from "../domain/accept.ts";
import type { ImportRecord } from "../domain/import-record.ts";
import { ended, type RecordEnd } from "../domain/import-transitions.ts";
import { ImportError } from "../errors.ts";
import type { Imports } from "../store/imports.ts";
import type { Open } from "../store/open.ts";
import type { Secrets } from "../store/secrets.ts";
import type { EndedImports } from "./ended-imports.ts";
import type { HeldRow } from "./held-row.ts";
import type { Log } from "./log.ts";

export interface EndImportDeps {
  readonly imports: Pick<Imports, "update">;
  readonly open: Pick<Open, "delete">;
  readonly secrets: Pick<Secrets, "deleteUntil">;
  readonly endedImports: Pick<EndedImports, "announce">;
  readonly afterEnd: AfterEnd;
  /** Called with the record of each attempt that ends, once: by whose write it ended. */
  readonly count: (record: ImportRecord) => void;
  readonly log: Log;
  readonly now: () => Date;
}

/**
 * Tells others of an import's end, once its record says so. May be repeated: when it fails, or a crash comes before it,
 * the `Open` row is still there, and the sweep calls it again.
 */
export type AfterEnd = (record: ImportRecord) => Promise<void>;

export interface EndedImport {
  readonly record: ImportRecord;
  /** Whether this very call has ended it. */
  readonly isOwn: boolean;
}

/**
 * Writes the end of an attempt and clears up behind it: credentials, then the open row. May be repeated: then it clears
 * up again, and is neither logged nor counted. Where another attempt has begun, its record comes back as it is. Throws
 * IMPORT_STATE_CONFLICT where it has ended otherwise; undefined: there is no such import.
 */
export type EndImport = (attempt: ImportAttempt, end: RecordEnd, held?: HeldRow) => Promise<EndedImport | undefined>;

export function createEndImport(deps: EndImportDeps): EndImport {
  const { imports, open, secrets, endedImports, afterEnd, count, log, now } = deps;
  return async ({ importId, attempt }, end, held) => {
    let isOwn = false; // as the last call of `change` says, which is the one that was written
    const change = (record: ImportRecord) => {
      const after = record.attempt === attempt ? ended(record, end, now()) : record;
      isOwn = after !== record;
      return after;
    };
    const record = held === undefined ? await imports.update(importId, change) : await held.change(change);
    if (record === undefined) return undefined;
    if (record.attempt !== attempt) return { record, isOwn: false }; // a retry was faster: what is there is all its own
    if (isOwn) {
      log("import-ended", { importId, state: record.state, code: record.error?.code, attempt });
      count(record);
    }
    if (record.hasCredentials) await secrets.deleteUntil(importId, attempt);
    endedImports.announce(importId);
    try {
      await afterEnd(record);
    } catch (thrown) {
      log("after-end-failed", { importId, error: String(thrown) }); // the sweep finds the Open row
      return { record, isOwn };
    }
    await open.delete(importId, record.attempt);
    return { record, isOwn };
  };
}

/**
 * Ends an attempt of which nothing more is to be expected; whether it did. One that has ended by itself meanwhile, in
 * whatever way, is left as it is: the next sweep clears up behind it.
 */
export async function endAbandoned(endImport: EndImport, attempt: ImportAttempt, end: RecordEnd): Promise<boolean> {
  try {
    return (await endImport(attempt, end))?.isOwn === true;
  } catch (thrown) {
    if (thrown instanceof ImportError && thrown.code === "IMPORT_STATE_CONFLICT") return false;
    throw thrown;
  }
}
