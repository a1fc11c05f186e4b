import { hasEnded, type ImportRecord } from "../domain/import-record.ts";
import type { Imports } from "../store/imports.ts";
import type { EndedImports } from "./ended-imports.ts";

export interface WaitForEndDeps {
  readonly imports: Pick<Imports, "read">;
  readonly ended: Pick<EndedImports, "next">;
  /** An import may end in another process: its record is looked at this often. */
  readonly pollMs: number;
}

/** The record once it has ended, or as it stands after `seconds`. */
export type WaitForEnd = (record: ImportRecord, seconds: number) => Promise<ImportRecord>;

export function createWaitForEnd({ imports, ended, pollMs }: WaitForEndDeps): WaitForEnd {
  return async (record, seconds) => {
    const timeUp = AbortSignal.timeout(seconds * 1_000);
    let current = record;
    while (!hasEnded(current.state) && !timeUp.aborted) {
      await ended.next(record.id, AbortSignal.any([timeUp, AbortSignal.timeout(pollMs)]));
      current = (await imports.read(record.id))?.record ?? current;
    }
    return current;
  };
}
