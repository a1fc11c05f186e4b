import { describe, expect, it } from "vitest";
import { MiB } from "../../../src/descriptor.ts";
import { digestOf } from "../../../src/digest.ts";
import { type BlobReader, type BlobReaderDeps, openBlobReader } from "../../../src/transfer/blob-reader.ts";
import { type ByteBudget, createByteBudget } from "../../../src/transfer/byte-budget.ts";
import { type Fault, fault } from "../../helpers/faults.ts";
import { type SeededBlob, startRegistry, type TestRegistry } from "../../helpers/registry.ts";
import { createTestClient } from "../../helpers/registry-client.ts";
import { createKit } from "./transfer-kit.ts";

const bufferBytes = 12 * MiB;

interface Reading {
  readonly buffers?: ByteBudget;
  readonly startBytes?: number;
  readonly signal?: AbortSignal;
  readonly stallMs?: number;
  readonly perHost?: number;
  /** `slow`: all time seems to be spent waiting, 2 % less for each chunk. */
  readonly source: "fast" | "slow";
}

/** Reads a blob as a whole, with ranges of 1 MiB. */
async function read(registry: TestRegistry, blob: SeededBlob, reading: Reading) {
  const { stallMs, perHost } = reading;
  await using kit = createKit({ ...(stallMs !== undefined && { stallMs }), ...(perHost !== undefined && { perHost }) });
  const { buffers = createByteBudget(bufferBytes), startBytes = 0 } = reading;
  let nowMs = 0;
  let readings = 0;
  const now = (): number => {
    readings += 1; // at the start, then before and after every chunk
    if (reading.source === "slow" && readings % 2 === 1) nowMs += 100 * 0.98 ** (readings / 2);
    return nowMs;
  };
  const source = kit.repository(registry, "source", blob.repository);
  const { digest, sizeBytes } = blob;
  const signal = reading.signal ?? new AbortController().signal;
  const deps = { buffers, rangeBytes: MiB, now, sleep: kit.clock.sleep };
  await using reader = openBlobReader(deps, { source, digest, sizeBytes, startBytes }, signal);
  return { content: await collect(reader), sleeps: kit.clock.sleeps };
}

async function collect(reader: BlobReader): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let next = await reader.next(); next.done !== true; next = await reader.next()) chunks.push(next.value);
  return Buffer.concat(chunks);
}

/** The bytes of a blob come in an answer that breaks off. */
function breakAfter(sentBytes: number, match: { readonly from?: number; readonly times?: number } = {}): Fault {
  return fault("break off", { kind: "blob-get", ...match }, async (call, next) => {
    const done = await next(call);
    if (done.kind !== "answer" || done.body === undefined || done.body instanceof Uint8Array) return done;
    const { body } = done;
    const broken = async function* () {
      let leftBytes = sentBytes;
      for await (const chunk of body) {
        const piece = chunk.subarray(0, leftBytes);
        leftBytes -= piece.byteLength;
        yield piece;
        if (leftBytes === 0) throw new Error("broken off");
      }
    };
    return { ...done, body: broken() };
  });
}

function rangesOf(registry: TestRegistry): readonly (string | undefined)[] {
  return registry.requests.filter(({ kind }) => kind === "blob-get").map(({ headers }) => headers.range);
}

describe("openBlobReader", () => {
  it("reads a source that keeps up with one plain GET", async () => {
    await using registry = await startRegistry();
    const blob = await registry.seedBlob({ sizeBytes: 8 * MiB });

    const { content } = await read(registry, blob, { source: "fast" });

    expect(digestOf(content)).toBe(blob.digest);
    expect(rangesOf(registry)).toEqual([undefined]);
  });

  it("reads a slow source by several ranges at once, in order, and gives the memory back", async () => {
    await using registry = await startRegistry();
    const blob = await registry.seedBlob({ sizeBytes: 24 * MiB });
    const buffers = createByteBudget(bufferBytes);

    const { content } = await read(registry, blob, { source: "slow", buffers });

    expect(digestOf(content)).toBe(blob.digest);
    expect(rangesOf(registry).length).toBeGreaterThan(8);
    expect(buffers.tryTake(bufferBytes)).toBe(true);
  });

  it("goes on with one stream when there is no memory for more", async () => {
    await using registry = await startRegistry();
    const blob = await registry.seedBlob({ sizeBytes: 4 * MiB });

    const { content } = await read(registry, blob, { source: "slow", buffers: createByteBudget(0) });

    expect(digestOf(content)).toBe(blob.digest);
    expect(rangesOf(registry)).toEqual([undefined]);
  });

  it("goes on with one stream when its host takes no further request", async () => {
    await using registry = await startRegistry();
    const blob = await registry.seedBlob({ sizeBytes: 4 * MiB });
    const buffers = createByteBudget(bufferBytes);

    const { content } = await read(registry, blob, { source: "slow", buffers, perHost: 1 });

    expect(digestOf(content)).toBe(blob.digest);
    expect(rangesOf(registry)).toEqual([undefined]);
    expect(buffers.tryTake(bufferBytes)).toBe(true);
  });

  it("goes on with the stream it has when the source ignores ranges", async () => {
    const ignore = fault("ignore ranges", { kind: "blob-get" }, async (call, next) => {
      const { range: _, ...headers } = call.headers;
      return await next({ ...call, headers });
    });
    await using registry = await startRegistry({ faults: [ignore] });
    const blob = await registry.seedBlob({ sizeBytes: 8 * MiB + 77_777 }); // no chunk ends where a range does

    const { content } = await read(registry, blob, { source: "slow" });

    expect(digestOf(content)).toBe(blob.digest);
    expect(rangesOf(registry).length).toBeLessThanOrEqual(4); // the stream, and the ranges of one step
  });

  it.each([
    ["another range", { "content-range": `bytes 0-${MiB - 1}/${8 * MiB}` }],
    ["another size", { "content-range": `bytes ${MiB}-${2 * MiB - 1}/999` }],
  ])("refuses %s than it asked for", async (_, headers) => {
    const lie = fault(
      "lie",
      { kind: "blob-get", when: (call) => call.headers.range !== undefined },
      async (call, next) => {
        const done = await next(call);
        return done.kind === "answer" ? { ...done, headers: { ...done.headers, ...headers } } : done;
      },
    );
    await using registry = await startRegistry({ faults: [lie, breakAfter(MiB, { times: 1 })] });
    const blob = await registry.seedBlob({ sizeBytes: 8 * MiB });

    await expect(read(registry, blob, { source: "fast" })).rejects.toMatchObject({ code: "SOURCE_CONTENT_CORRUPT" });
  });

  it("goes on at the offset when the connection breaks, if the content is still the same", async () => {
    await using registry = await startRegistry({ faults: [breakAfter(1_500_000, { times: 1 })] });
    const blob = await registry.seedBlob({ sizeBytes: 4 * MiB });

    const { content, sleeps } = await read(registry, blob, { source: "fast" });

    expect(digestOf(content)).toBe(blob.digest);
    expect(rangesOf(registry)).toEqual([undefined, "bytes=1500000-"]);
    expect(registry.requests.at(-1)?.headers["if-range"]).toBeDefined();
    expect(sleeps).toEqual([250]);
  });

  it("skips to the offset where the source ignores the range", async () => {
    const whole = fault("ignore ranges", { kind: "blob-get" }, async (call, next) => {
      const { range: _, ...headers } = call.headers;
      return await next({ ...call, headers });
    });
    await using registry = await startRegistry({ faults: [breakAfter(1_500_000, { times: 1 }), whole] });
    const blob = await registry.seedBlob({ sizeBytes: 4 * MiB });

    const { content } = await read(registry, blob, { source: "fast" });

    expect(digestOf(content)).toBe(blob.digest);
  });

  it("gets a signed URL again that has expired", async () => {
    const sign = fault("redirect", { kind: "blob-get" }, async ({ route }, _, { storage }) => ({
      kind: "answer",
      status: 307,
      headers: {
        location: route.kind === "blob" && route.digest !== undefined ? storage.sign(route.digest, { uses: 1 }) : "",
        "content-length": "0",
      },
    }));
    const breaking = breakAfter(1_500_000, { times: 1 });
    await using registry = await startRegistry({
      faults: [sign, fault("storage breaks", { kind: "storage-get", times: 1 }, breaking.apply)],
    });
    const blob = await registry.seedBlob({ sizeBytes: 4 * MiB });

    const { content } = await read(registry, blob, { source: "fast" });

    expect(digestOf(content)).toBe(blob.digest);
  });

  it("goes on when one of its ranges breaks", async () => {
    await using registry = await startRegistry({ faults: [breakAfter(100_000, { from: 4, times: 1 })] });
    const blob = await registry.seedBlob({ sizeBytes: 16 * MiB });
    const buffers = createByteBudget(bufferBytes);

    const { content } = await read(registry, blob, { source: "slow", buffers });

    expect(digestOf(content)).toBe(blob.digest);
    expect(buffers.tryTake(bufferBytes)).toBe(true);
  });

  it("takes a stalled connection for a broken one", async () => {
    await using registry = await startRegistry();
    registry.hold({ kind: "blob-get" }, { sentBytes: 2 * MiB });
    const blob = await registry.seedBlob({ sizeBytes: 4 * MiB });

    const { content } = await read(registry, blob, { source: "fast", stallMs: 300 });

    expect(digestOf(content)).toBe(blob.digest);
  });

  it("gives up a source that breaks off again and again at the same place", async () => {
    await using registry = await startRegistry({ faults: [breakAfter(1_500_000, { times: 1 }), breakAfter(10)] });
    const blob = await registry.seedBlob({ sizeBytes: 4 * MiB });

    await expect(read(registry, blob, { source: "fast" })).rejects.toMatchObject({
      code: "SOURCE_UNAVAILABLE",
      retryable: true,
    });
    expect(registry.countRequests({ kind: "blob-get" })).toBe(4);
  });

  it("goes on as often as needed while it makes headway", async () => {
    await using registry = await startRegistry({ faults: [breakAfter(1_200_000)] });
    const blob = await registry.seedBlob({ sizeBytes: 8 * MiB });

    const { content } = await read(registry, blob, { source: "fast" });

    expect(digestOf(content)).toBe(blob.digest);
    expect(registry.countRequests({ kind: "blob-get" })).toBe(7);
  });
});

/** Opens a blob whose first download breaks off after 1 MiB, by a client whose requests are counted. */
async function openBreaking(registry: TestRegistry, sleep: BlobReaderDeps["sleep"]) {
  const open = new Set<object>();
  const observe = () => {
    const request = {};
    open.add(request);
    return () => open.delete(request);
  };
  const client = createTestClient({ observe, limits: { requestsPerHost: 1 } });
  const blob = await registry.seedBlob({ sizeBytes: 4 * MiB });
  registry.addFault(breakAfter(MiB, { times: 1 }));
  const source = client.repository(registry.host, { name: blob.repository });
  const deps = { buffers: createByteBudget(0), rangeBytes: MiB, now: () => performance.now(), sleep };
  const { digest, sizeBytes } = blob;
  const reader = openBlobReader(deps, { source, digest, sizeBytes, startBytes: 0 }, new AbortController().signal);
  const reading = collect(reader).catch((thrown: unknown) => thrown);
  return { client, open, source, reader, reading };
}

describe("a reader that is closed while it goes on elsewhere", () => {
  it.each([
    ["before the source has answered", "request"],
    ["when the source has answered", "answer"],
    ["when the first bytes are there", { sentBytes: 1_000 }],
  ] as const)("leaves no request behind %s", async (_, at) => {
    await using registry = await startRegistry();
    const again = registry.hold({ kind: "blob-get", when: ({ headers }) => headers.range !== undefined }, at);
    const { client, open, source, reader, reading } = await openBreaking(registry, async () => undefined);
    await using _client = client;
    await again.reached;

    await reader[Symbol.asyncDispose]();

    expect(open.size).toBe(0);
    expect(await reading).toBeInstanceOf(Error);
    (await source.acquireDownload(new AbortController().signal)).release(); // the only slot of its host
  });

  it("opens the source no more after its pause", async () => {
    await using registry = await startRegistry();
    const pausing = Promise.withResolvers<void>();
    const paused = Promise.withResolvers<void>();
    const { client, open, reader, reading } = await openBreaking(registry, async () => {
      pausing.resolve();
      await paused.promise;
    });
    await using _client = client;
    await pausing.promise;

    const closing = reader[Symbol.asyncDispose]();
    paused.resolve();
    await closing;

    expect(await reading).toBeInstanceOf(Error);
    expect(open.size).toBe(0);
    expect(registry.countRequests({ kind: "blob-get" })).toBe(1);
  });
});
