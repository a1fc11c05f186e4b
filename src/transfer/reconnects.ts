import { MiB } from "../descriptor.ts";
import { ImportError } from "../errors.ts";

/** How often a download that breaks off is gone on with. */
export interface Reconnects {
  /**
   * Waits before a download goes on at `offsetBytes` that broke off there. Throws its failure where that is none that
   * passes by itself, or where it has broken off too often.
   */
  readonly wait: (failure: unknown, offsetBytes: number, signal: AbortSignal) => Promise<void>;
  /** The source answers, and its content has broken off too often. */
  readonly areUsedUp: () => boolean;
}

const maxReconnects = 3; // without progress
const progressBytes = MiB; // less than this between two failures is none

export function createReconnects(
  startBytes: number,
  sleep: (ms: number, signal: AbortSignal) => Promise<void>,
): Reconnects {
  let reconnects = 0;
  let reconnectedAtBytes = startBytes;

  return {
    wait: async (failure, offsetBytes, signal) => {
      const isPassing = failure instanceof ImportError && failure.retryable && failure.retryAfterSeconds === undefined;
      if (!isPassing) throw failure;
      if (offsetBytes - reconnectedAtBytes >= progressBytes) reconnects = 0;
      reconnects += 1;
      if (reconnects > maxReconnects) throw failure;
      reconnectedAtBytes = offsetBytes;
      await sleep(250 * 2 ** (reconnects - 1), signal);
    },
    areUsedUp: () => reconnects > maxReconnects,
  };
}
