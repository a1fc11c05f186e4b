import { MiB } from "../descriptor.ts";

const maxLanes = 8;
const periodMs = 300; // long enough for a rate over the open internet, short against a large blob
const waitingShare = 0.8; // what is left is hashing and sending: a loopback source stays below
const fastBytesPerSecond = 128 * MiB; // a single connection this fast is not what holds an upload up
const helpfulGain = 1.2;

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
 * Starts with one plain stream. When the reader spends most of a period waiting for a slow source, the lanes double,
 * and double again only while the last doubling made it faster; one that did not is taken back, and growth ends.
 */
export function createReadAhead(startedAtMs: number, rangeBytes: number): ReadAhead {
  let lanes = 1;
  let limit = maxLanes;
  let isSettled = false;
  let rateBefore = 0;
  let period = { startedAtMs, bytes: 0, waitedMs: 0 };
  const decide = (bytesPerSecond: number): number => {
    if (lanes === 1 && bytesPerSecond >= fastBytesPerSecond) return 1;
    const hasHelped = bytesPerSecond >= helpfulGain * rateBefore;
    rateBefore = bytesPerSecond;
    isSettled = !hasHelped || lanes === limit;
    return hasHelped ? Math.min(2 * lanes, limit) : lanes / 2;
  };
  return {
    lanes: () => lanes,
    note: (chunkBytes, waitedMs, nowMs) => {
      period.bytes += chunkBytes;
      period.waitedMs += waitedMs;
      const elapsedMs = nowMs - period.startedAtMs;
      // Ranges arrive in bursts: only a full window of them tells its rate.
      if (elapsedMs < periodMs || (lanes > 1 && period.bytes < lanes * rangeBytes)) return false;
      const { bytes, waitedMs: waited } = period;
      period = { startedAtMs: nowMs, bytes: 0, waitedMs: 0 };
      if (isSettled || waited < waitingShare * elapsedMs) return false;
      const before = lanes;
      lanes = decide((bytes * 1000) / elapsedMs);
      return lanes !== before;
    },
    limit: (most) => {
      limit = Math.max(1, Math.min(limit, Math.floor(most)));
      isSettled = limit === 1;
      lanes = Math.min(lanes, limit);
    },
  };
}
