import type { JournalRecord } from "./records.ts";

/** Where the engine writes what happens, so that another process can go on from there. */
export interface Journal {
  /** The records that are there, oldest first. Called once, before anything else. */
  readonly open: () => Promise<readonly JournalRecord[]>;
  /**
   * Replaces what is there by a snapshot and accepts records from then on. `snapshot` is called again whenever the journal
   * has grown large; it must give the state after the last appended record.
   */
  readonly begin: (snapshot: () => readonly JournalRecord[]) => Promise<void>;
  /** Adds a record. It reaches the disk in order and soon; a crash loses at most a tail. */
  readonly append: (record: JournalRecord) => void;
  /** Resolves once every record appended so far is on the disk. */
  readonly flushed: () => Promise<void>;
  /** Writes what is left and closes. */
  readonly close: () => Promise<void>;
}

/** A journal that forgets everything with the process. `records` shows what was appended. */
export function createMemoryJournal(initial: readonly JournalRecord[] = []): Journal & {
  readonly records: readonly JournalRecord[];
} {
  const records: JournalRecord[] = [...initial];
  return {
    records,
    open: async () => initial,
    begin: async () => {},
    append: (record) => {
      records.push(record);
    },
    flushed: async () => {},
    close: async () => {},
  };
}
