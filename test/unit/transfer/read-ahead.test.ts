import { describe, expect, it } from "vitest";
import { MiB } from "../../../src/descriptor.ts";
import { createReadAhead } from "../../../src/transfer/read-ahead.ts";

const rangeBytes = 8 * MiB;

/** Reads `totalBytes` from a source whose rate depends on the number of lanes; returns the lanes after each window. */
function read(totalBytes: number, mibPerSecond: (lanes: number, nowMs: number) => number, waitingShare = 1) {
  const readAhead = createReadAhead(0, rangeBytes);
  const seen = [1];
  let nowMs = 0;
  for (let bytes = 0; bytes < totalBytes; bytes += MiB) {
    const ms = 1_000 / mibPerSecond(readAhead.lanes(), nowMs);
    nowMs += ms;
    if (readAhead.note(MiB, ms * waitingShare, nowMs)) seen.push(readAhead.lanes());
  }
  return { seen, seconds: nowMs / 1_000, readAhead };
}

describe("createReadAhead", () => {
  it("adds lanes while they make a slow source faster", () => {
    const { seen, seconds } = read(512 * MiB, (lanes) => 20 * lanes);

    expect(seen).toEqual([1, 4, 8]);
    expect(seconds).toBeLessThan(512 / 20 / 4);
  });

  it("goes back to one stream when more lanes do not help, and tries again only after a pause", () => {
    const { seen, seconds } = read(512 * MiB, () => 20);

    expect(seen.slice(0, 3)).toEqual([1, 4, 1]);
    expect(seen.length).toBeLessThan(seconds); // not at every window
  });

  it("finds out later what a busy moment has hidden", () => {
    const { seen } = read(512 * MiB, (lanes, nowMs) => (nowMs < 5_000 ? 20 : 20 * lanes));

    expect(seen.slice(0, 3)).toEqual([1, 4, 1]);
    expect(seen.at(-1)).toBe(8);
  });

  it("stays with one stream when the reader is what takes the time", () => {
    expect(read(256 * MiB, (lanes) => 20 * lanes, 0.5).seen).toEqual([1]);
  });

  it("stays with one stream when that is fast", () => {
    expect(read(2_048 * MiB, () => 400).seen).toEqual([1]);
  });

  it("does not exceed a limit that a failed range has set", () => {
    const { readAhead } = read(64 * MiB, (lanes) => 20 * lanes);

    readAhead.limit(2);

    expect(readAhead.lanes()).toBe(2);
  });
});
