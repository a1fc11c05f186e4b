import { describe, expect, it } from "vitest";
import { createHasher, digestOf } from "../../../src/digest.ts";
import { verified } from "../../../src/transfer/verified.ts";

describe("verified", () => {
  it("hashes nothing that comes after it was stopped: who goes on with the hash reads that again", async () => {
    const blob = Buffer.from("one two");
    const hasher = createHasher(digestOf(blob));
    const late = Promise.withResolvers<IteratorResult<Uint8Array>>();
    const chunks = [Promise.resolve({ done: false, value: blob.subarray(0, 4) }), late.promise];
    const content = verified(
      { next: () => chunks.shift() ?? Promise.reject(new Error("there is no more")) },
      {
        ...{ digest: digestOf(blob), sizeBytes: blob.byteLength, hasher, startBytes: 0, endBytes: blob.byteLength },
        onChunk: () => {},
        corrupt: (what) => new Error(what),
      },
    );
    const reading = content[Symbol.asyncIterator]();
    await reading.next();
    const second = reading.next();

    content.stop();
    late.resolve({ done: false, value: blob.subarray(4) });

    await expect(second).rejects.toThrow();
    expect(content.seenBytes()).toBe(4);
    expect(content.failure()).toBeUndefined();
    hasher.update(blob.subarray(4));
    expect(hasher.digest()).toBe(digestOf(blob));
  });
});
