/** Memory that all read-ahead of a process shares. Nobody waits for it: who gets none goes on with one plain stream. */
export interface ByteBudget {
  /** Takes `bytes`, or says that there are not so many left. */
  readonly tryTake: (bytes: number) => boolean;
  readonly giveBack: (bytes: number) => void;
}

export function createByteBudget(totalBytes: number): ByteBudget {
  let leftBytes = totalBytes;
  return {
    tryTake: (bytes) => {
      if (bytes > leftBytes) return false;
      leftBytes -= bytes;
      return true;
    },
    giveBack: (bytes) => {
      leftBytes += bytes;
    },
  };
}
