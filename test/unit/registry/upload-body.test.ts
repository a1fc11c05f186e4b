import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { KiB } from "../../../src/descriptor.ts";
import { watchBody } from "../../../src/registry/upload-body.ts";

const stallMs = 30_000;

async function* of(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

function watch(content: Uint8Array | AsyncIterable<Uint8Array>) {
  const onStall = vi.fn();
  const watched = watchBody({ lengthBytes: 0, content }, { stallMs, onStall });
  if (watched.content instanceof Uint8Array) throw new Error("these bytes are not watched");
  return { onStall, pieces: watched.content[Symbol.asyncIterator](), contentFailure: watched.contentFailure };
}

describe("watchBody", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("reports a stall when the next chunk is not asked for in time", async () => {
    const { pieces, onStall } = watch(of(new Uint8Array(1)));
    await pieces.next();

    vi.advanceTimersByTime(stallMs - 1);
    const before = onStall.mock.calls.length;
    vi.advanceTimersByTime(1);

    expect([before, onStall.mock.calls.length]).toEqual([0, 1]);
  });

  it("does not count the time that the content itself takes", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    async function* slow() {
      await promise;
      yield new Uint8Array(1);
    }
    const { pieces, onStall } = watch(slow());
    const first = pieces.next();

    await vi.advanceTimersByTimeAsync(10 * stallMs);
    resolve();
    await first;
    vi.advanceTimersByTime(stallMs - 1);

    expect(onStall).not.toHaveBeenCalled();
  });

  it("watches no longer once the content is at its end or given up", async () => {
    const ended = watch(of(new Uint8Array(1)));
    const givenUp = watch(of(new Uint8Array(1)));

    await ended.pieces.next();
    await ended.pieces.next();
    await givenUp.pieces.next();
    await givenUp.pieces.return?.();

    expect(vi.getTimerCount()).toBe(0);
  });

  it("passes small chunks on as they are and large ones as views of their pieces", async () => {
    const small = new Uint8Array(10);
    const large = new Uint8Array(600 * KiB);
    const { pieces } = watch(of(small, large));

    const seen = [];
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) seen.push(next.value);

    expect(seen[0]).toBe(small);
    expect(seen.slice(1).map(({ byteLength }) => byteLength / KiB)).toEqual([256, 256, 88]);
    expect(seen.slice(1).every(({ buffer }) => buffer === large.buffer)).toBe(true);
  });

  it("keeps what the content threw", async () => {
    const reason = new Error("gone");
    async function* breaks(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1);
      throw reason;
    }
    const { pieces, contentFailure } = watch(breaks());
    await pieces.next();

    await expect(pieces.next()).rejects.toBe(reason);

    expect(contentFailure()).toEqual({ thrown: reason });
  });
});
