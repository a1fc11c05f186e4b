import type { HostBoard, HostNotes } from "./host-board.ts";
import { unlessAborted } from "./unless-aborted.ts";

export interface HostNotesDeps {
  readonly host: string;
  readonly board: HostBoard;
  /** A clock that nobody sets back. */
  readonly elapsedMs: () => number;
  readonly onNotes: (notes: HostNotes) => void;
}

/** Reads the notes of the other processes, unless that was done in the last seconds; waits at first contact only. */
export type SyncNotes = (signal: AbortSignal) => Promise<void>;

const syncEveryMs = 5_000;

export function createSyncNotes({ host, board, elapsedMs, onNotes }: HostNotesDeps): SyncNotes {
  let syncedAtMs = Number.NEGATIVE_INFINITY;
  let firstSync: Promise<void> | undefined;

  const read = async (): Promise<void> => onNotes(await board.read(host));

  return async (signal) => {
    const nowMs = elapsedMs();
    if (nowMs - syncedAtMs >= syncEveryMs) {
      syncedAtMs = nowMs;
      const reading = read(); // it never rejects
      firstSync ??= reading;
    }
    if (firstSync !== undefined) await unlessAborted(firstSync, signal);
  };
}
