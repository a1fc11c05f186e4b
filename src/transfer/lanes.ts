import { ImportError } from "../errors.ts";
import { codeOf } from "../registry/errors-from-response.ts";
import type { DownloadSlot } from "../registry/registry.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { type Lane, type LaneSource, openRange, openStream } from "./lane.ts";
import { placeOf } from "./place-of.ts";
import type { ReadAhead } from "./read-ahead.ts";

export interface LanesDeps {
  readonly buffers: ByteBudget;
  /** Bytes per parallel range. */
  readonly rangeBytes: number;
  readonly readAhead: ReadAhead;
}

/** The connections that a blob is read by, in the order of its content: the head is read, the others are ahead of it. */
export interface Lanes {
  /** The head; where there is none, a plain stream from `offsetBytes` on. */
  readonly head: (offsetBytes: number) => Promise<Lane>;
  /** Puts ranges behind the last lane, as many as read-ahead asks for, and memory and the host's slots allow. */
  readonly addRanges: (offsetBytes: number) => void;
  /** The head has been read to its end, at `offsetBytes`: the next one is the head, or it goes on itself. */
  readonly advance: (head: Lane, offsetBytes: number) => Promise<void>;
  /** Fewer ranges, or none, from now on; throws a failure that a plain stream would not be spared. */
  readonly giveUpRanges: (failure: unknown) => void;
  /** Leaves no lane, but the slot that the next one needs. */
  readonly dropAll: () => Promise<void>;
  /** Leaves nothing. */
  readonly close: () => Promise<void>;
}

export function createLanes(deps: LanesDeps, from: Omit<LaneSource, "etag">, signal: AbortSignal): Lanes {
  const { buffers, rangeBytes, readAhead } = deps;
  const { source, sizeBytes } = from;
  let etag: string | undefined;
  const blob: LaneSource = { ...from, etag: () => etag };
  /** Only the first may be a stream. */
  const lanes: Lane[] = [];
  /** Held over all streams: an upload waits for the rest, and so may those who wait for a slot. */
  let slot: DownloadSlot | undefined;

  const drop = async (lane: Lane): Promise<void> => {
    await lane.close();
    if (lane.kind === "range") buffers.giveBack(rangeBytes);
  };
  const dropFrom = async (at: number): Promise<void> => {
    await Promise.all(lanes.splice(at).map(drop));
  };

  /** A slot and the memory for one range, or neither. */
  const tryAcquireRange = (): DownloadSlot | undefined => {
    if (!buffers.tryTake(rangeBytes)) return undefined;
    const rangeSlot = source.tryAcquireDownload();
    if (rangeSlot === undefined) buffers.giveBack(rangeBytes);
    return rangeSlot;
  };

  const addRanges: Lanes["addRanges"] = (offsetBytes) => {
    while (lanes.length < readAhead.lanes()) {
      const last = lanes.at(-1);
      if (last === undefined) return;
      const isUnbounded = last.kind === "stream" && last.endBytes === sizeBytes;
      const startBytes = isUnbounded ? offsetBytes + rangeBytes : last.endBytes;
      const rangeSlot = startBytes >= sizeBytes ? undefined : tryAcquireRange();
      if (rangeSlot === undefined) return;
      last.endBytes = startBytes;
      const endBytes = Math.min(startBytes + rangeBytes, sizeBytes);
      lanes.push(openRange(blob, { startBytes, endBytes, slot: rangeSlot }, signal));
    }
  };

  const giveUpRanges: Lanes["giveUpRanges"] = (failure) => {
    if (failure instanceof ImportError && failure.code === codeOf(placeOf(source), "CONTENT_CORRUPT")) throw failure;
    const isPassing = failure instanceof ImportError && failure.retryable;
    readAhead.limit(isPassing ? readAhead.lanes() / 2 : 1);
  };

  return {
    head: async (offsetBytes) => {
      const [first] = lanes;
      if (first !== undefined) return first;
      slot ??= await source.acquireDownload(signal);
      const head = await openStream(blob, { startBytes: offsetBytes, slot }, signal);
      etag ??= head.etag;
      lanes.push(head);
      addRanges(offsetBytes);
      return head;
    },
    addRanges,
    advance: async (head, offsetBytes) => {
      const [, next] = lanes;
      if (head.kind === "stream" && next !== undefined) {
        await next.answered;
        const failure = next.failure();
        if (failure !== undefined) {
          // The stream is still open: it goes on as if nobody had tried to be faster.
          await dropFrom(1);
          giveUpRanges(failure);
          head.endBytes = sizeBytes;
          return;
        }
      }
      lanes.shift();
      await drop(head);
      addRanges(offsetBytes);
    },
    giveUpRanges,
    dropAll: () => dropFrom(0),
    close: async () => {
      await dropFrom(0);
      slot?.release();
      slot = undefined;
    },
  };
}
