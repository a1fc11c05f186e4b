import { MiB } from "../descriptor.ts";

const laneSteps = [1, 4, 8] as const;
const periodMs = 300; // long enough for a rate over the open internet, short against a large blob
const waitingShare = 0.8; // what is left is hashing and sending: a loopback source stays below
const fastBytesPerSecond = 128 * MiB; // a single connection this fast is not what holds an upload up
const helpfulGain = 1.2;
const firstPauseMs = 4_000;

/** Decides how many ranges of a blob are fetched in parallel. */
export interface ReadAhead {
  /** 1: one plain stream. */
  readonly lanes: () => number;
  /** Takes note of a chunk and of how long the reader waited for it. True when the number of lanes has changed. */
  readonly note: (chunkBytes: number, waitedMs: number, nowMs: number) => boolean;
  /** Fewer lanes from now on: a range has failed. */
  readonly limit: (lanes: number) => void;
}

/**
 * Starts with one plain stream. When the reader spends most of a period waiting for a slow source, there are more
 * lanes, and more again only while the last step made it faster. A step that did not is taken back and tried again
 * later, after a longer and longer pause: what a busy moment said about a source need not be true for all of a blob.
 */
export function createReadAhead(startedAtMs: number, rangeBytes: number): ReadAhead {
  let step = 0;
  let limit: number = laneSteps[laneSteps.length - 1] ?? 1;
  let isSettling = false; // ranges that were asked for before the last step are still coming
  let rateBefore = 0;
  let pausedUntilMs = 0;
  let pauseMs = firstPauseMs;
  let period = { startedAtMs, bytes: 0, waitedMs: 0 };

  const lanes = () => Math.min(limit, laneSteps[step] ?? 1);
  const moveTo = (next: number, rate: number): boolean => {
    const before = lanes();
    step = next;
    rateBefore = rate;
    isSettling = true;
    return lanes() !== before;
  };
  const decide = (bytesPerSecond: number, nowMs: number): boolean => {
    if (step > 0 && bytesPerSecond < helpfulGain * rateBefore) {
      pausedUntilMs = nowMs + pauseMs;
      pauseMs *= 2;
      return moveTo(step - 1, 0);
    }
    const mayGrow = step + 1 < laneSteps.length && lanes() < limit;
    if (!mayGrow || nowMs < pausedUntilMs || (step === 0 && bytesPerSecond >= fastBytesPerSecond)) {
      rateBefore = 0; // the last step has proved itself
      return false;
    }
    return moveTo(step + 1, bytesPerSecond);
  };

  return {
    lanes,
    note: (chunkBytes, waitedMs, nowMs) => {
      period.bytes += chunkBytes;
      period.waitedMs += waitedMs;
      const elapsedMs = nowMs - period.startedAtMs;
      // Ranges arrive in bursts: only a full window of them tells its rate.
      if (elapsedMs < periodMs || (lanes() > 1 && period.bytes < lanes() * rangeBytes)) return false;
      const { bytes, waitedMs: waited } = period;
      period = { startedAtMs: nowMs, bytes: 0, waitedMs: 0 };
      if (isSettling) {
        isSettling = false;
        return false;
      }
      return waited >= waitingShare * elapsedMs && decide((bytes * 1_000) / elapsedMs, nowMs);
    },
    limit: (most) => {
      limit = Math.max(1, Math.min(limit, Math.floor(most)));
    },
  };
}
