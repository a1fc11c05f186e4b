import { hasEnded, type ImportRecord } from "../domain/import-record.ts";
import type { Imports } from "../store/imports.ts";
import type { EndedImports } from "./ended-imports.ts";

export interface WaitForEndDeps {
  readonly imports: Pick<Imports, "read">;
  readonly ended: Pick<EndedImports, "next">;
  /** First and longest time between two looks at the record: an import may end in another process. */
  readonly firstPollMs: number;
  readonly longestPollMs: number;
}

/** The record once it has ended, or as it stands after `seconds`. */
export type WaitForEnd = (record: ImportRecord, seconds: number) => Promise<ImportRecord>;

/** Told at once of what ends in this process; for the rest it looks at longer and longer intervals. */
export function createWaitForEnd({ imports, ended, firstPollMs, longestPollMs }: WaitForEndDeps): WaitForEnd {
  return async (record, seconds) => {
    const timeUp = AbortSignal.timeout(seconds * 1_000);
    let current = record;
    let pollMs = firstPollMs;
    while (!hasEnded(current.state) && !timeUp.aborted) {
      await ended.next(record.id, AbortSignal.any([timeUp, AbortSignal.timeout(pollMs)]));
      const stored = await imports.read(record.id).catch(() => "unreadable" as const);
      if (stored === "unreadable") return current; // it is accepted: an error would have the caller start another one
      current = stored?.record ?? current;
      pollMs = Math.min(longestPollMs, pollMs * 2);
    }
    return current;
  };
}
