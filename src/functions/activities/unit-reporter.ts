const reportMs = 2_000;

/** Says how far a unit is while it runs, and that it runs. */
export interface UnitReporter {
  /** Called as often as bytes move. */
  readonly report: (bytes: number, nowMs: number) => void;
  /** Once nothing is being written any more: whether anything was. */
  readonly settled: () => Promise<boolean>;
}

/**
 * Stores absolute numbers, at most every 2 s and only after the first 2 s, one write at a time; a number that comes while
 * one is written is left out.
 */
export function createUnitReporter(write: (bytes: number) => Promise<void>): UnitReporter {
  let dueMs: number | undefined;
  let writing: Promise<void> | undefined;
  let hasReported = false;
  const writeOnce = async (bytes: number) => {
    try {
      await write(bytes);
    } catch {
      // A progress display is not worth a copy: if storage is gone for good, the write of its end fails.
    } finally {
      writing = undefined;
    }
  };
  return {
    report: (bytes, nowMs) => {
      dueMs ??= nowMs + reportMs;
      if (nowMs < dueMs || writing !== undefined) return;
      dueMs = nowMs + reportMs;
      hasReported = true;
      writing = writeOnce(bytes);
    },
    settled: async () => {
      await writing;
      return hasReported;
    },
  };
}
