import type { Answer, Call, Handle } from "../../src/local/registry/call.ts";
import { closedOf, type Fault, type FaultMatch, fault, toChunks } from "./faults.ts";

/**
 * Where a request is held: before the registry sees it, after the registry has done it and before the answer leaves,
 * or in the middle of the body that is received or sent.
 */
export type HoldAt = "request" | "answer" | { readonly receivedBytes: number } | { readonly sentBytes: number };

export interface Hold {
  /** Resolves when the request has come to the point. */
  readonly reached: Promise<void>;
  /** Lets it go on. */
  readonly release: () => void;
}

/** Lets tests stop requests at chosen points. */
export function createHolds() {
  const releases = new Set<() => void>();
  let held: readonly Fault[] = [];
  return {
    faults: (): readonly Fault[] => held,
    hold: (match: FaultMatch, at: HoldAt = "answer"): Hold => {
      const reached = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      const release = (): void => released.resolve();
      releases.add(release);
      const stop = async (call: Call): Promise<void> => {
        reached.resolve();
        await Promise.race([released.promise, closedOf(call)]);
      };
      held = [...held, fault("hold", { times: 1, ...match }, (call, next) => holdAt(at, stop, call, next))];
      return { reached: reached.promise, release };
    },
    releaseAll: (): void => {
      for (const release of releases) release();
    },
  };
}

async function holdAt(at: HoldAt, stop: (call: Call) => Promise<void>, call: Call, next: Handle): Promise<Answer> {
  if (at === "request") {
    await stop(call);
    return await next(call);
  }
  if (at !== "answer" && "receivedBytes" in at)
    return await next({ ...call, content: pauseAt(call.content, at.receivedBytes, () => stop(call)) });
  const result = await next(call);
  if (at === "answer") {
    await stop(call);
    return result;
  }
  if (result.kind === "hang-up" || result.body === undefined) return result;
  return { ...result, body: pauseAt(toChunks(result.body), at.sentBytes, () => stop(call)) };
}

/** Passes exactly `atBytes` bytes, waits, and passes the rest. */
async function* pauseAt(
  content: AsyncIterable<Uint8Array>,
  atBytes: number,
  pause: () => Promise<void>,
): AsyncGenerator<Uint8Array> {
  let leftBytes = atBytes;
  let isPaused = false;
  for await (const chunk of content) {
    if (isPaused || chunk.byteLength < leftBytes) {
      leftBytes -= chunk.byteLength;
      yield chunk;
      continue;
    }
    if (leftBytes > 0) yield chunk.subarray(0, leftBytes);
    isPaused = true;
    await pause();
    if (leftBytes < chunk.byteLength) yield chunk.subarray(leftBytes);
  }
}
