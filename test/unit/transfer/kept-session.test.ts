import { describe, expect, it } from "vitest";
import { MiB } from "../../../src/descriptor.ts";
import { type Fault, fault } from "../../helpers/faults.ts";
import { failing, hangUp, loseAnswer, rateLimited } from "../../helpers/faults-any.ts";
import { truncateBody } from "../../helpers/faults-source.ts";
import { startRegistry, type TestRegistry } from "../../helpers/registry.ts";
import { chunky, createKit, createTestLeases, expectNothingOpen, holds } from "./transfer-kit.ts";

/** Which bytes the source was asked for, call by call. */
function ranges(source: TestRegistry): readonly (string | undefined)[] {
  return source.requests.filter(({ kind }) => kind === "blob-get").map(({ headers }) => headers.range);
}

/** The first download breaks off in the middle of a chunk, and the source cannot be reached again for so many tries. */
function outage(times: number): readonly Fault[] {
  return [truncateBody({ afterBytes: 2.5 * MiB, times: 1 }), hangUp({ kind: "blob-get", from: 2, times })];
}

describe("a chunked upload whose source fails in the middle of a chunk", () => {
  it.each(["the same process", "another process"])("goes on where the target stands, in %s", async (which) => {
    await using source = await startRegistry({ faults: outage(1) });
    await using target = await startRegistry();
    const leases = createTestLeases();
    await using kit = createKit(chunky, leases);
    await using other = createKit(chunky, leases);
    const blob = await source.seedBlob({ sizeBytes: 4 * MiB });

    await expect(kit.copy(source, target, blob)).rejects.toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: true });
    const open = target.openSessions().length;
    const next = await (which === "the same process" ? kit : other).copy(source, target, blob);

    expect(open).toBe(1);
    expect(next).toMatchObject({ kind: "done", attempts: 1 });
    expect(ranges(source).at(-1)).toMatch(/^bytes=2\d{6}-/);
    expect(target.countRequests({ kind: "upload-start" })).toBe(1);
    expect(target.countRequests({ kind: "upload-cancel" })).toBe(0);
    expect(await holds(target, blob)).toBe(true);
    await expectNothingOpen(source, target);
  });

  it.each([
    ["cannot tell what it has of the chunk", { ...chunky, profile: "ecr" }, "stateless"],
    ["takes its own Location back no more after a broken chunk", chunky, "stateful"],
  ] as const)("starts over where the target %s", async (_, options, sessions) => {
    await using source = await startRegistry({ faults: outage(1) });
    await using target = await startRegistry({ behaviour: { sessions } });
    await using kit = createKit(options);
    const blob = await source.seedBlob({ sizeBytes: 4 * MiB });

    await expect(kit.copy(source, target, blob)).rejects.toMatchObject({ code: "SOURCE_UNAVAILABLE" });

    expect(kit.leases.rows.size).toBe(0);
    expect(await kit.copy(source, target, blob)).toMatchObject({ kind: "done" });
    expect(ranges(source).at(-1)).toBeUndefined();
    expect(target.countRequests({ kind: "upload-start" })).toBe(2);
  });
});

describe("a paused upload", () => {
  /** In chunks since the target takes no larger requests; under a lease where the blob is sent again. */
  const small = { maxPutBytes: MiB };

  const throttled = () => rateLimited({ kind: "upload-patch", from: 2, times: 1, retryAfter: "1" });
  const idsOf = (target: TestRegistry) => target.openSessions().map(({ id }) => id);

  it("under a lease is not gone on with by an import that holds none", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({ faults: [throttled()] });
    await using kit = createKit(small);
    const blob = await source.seedBlob({ sizeBytes: 4 * MiB });

    await kit.copy(source, target, blob, { owner: "import-1", isRepeated: true });
    const paused = idsOf(target);
    const other = await kit.copy(source, target, blob, { owner: "import-2" });

    expect(other).toMatchObject({ kind: "done", via: "copied", attempts: 1 });
    expect(paused).toHaveLength(1);
    expect(idsOf(target)).toEqual(paused);
  });

  it("without a lease is gone on with under one that has nothing of its own", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({ faults: [throttled()] });
    await using kit = createKit(small);
    const blob = await source.seedBlob({ sizeBytes: 4 * MiB });

    await kit.copy(source, target, blob);

    expect(await kit.copy(source, target, blob, { isRepeated: true })).toMatchObject({ kind: "done", attempts: 1 });
    expect(target.countRequests({ kind: "upload-start" })).toBe(1);
  });

  it("without a lease is given up where one under a lease takes its place", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    const leases = createTestLeases();
    await using former = createKit(small, leases);
    await using kit = createKit(small, leases);
    const blob = await source.seedBlob({ sizeBytes: 4 * MiB });
    const pause = async (process: typeof kit, isRepeated: boolean) => {
      target.setFaults([throttled()]);
      await process.copy(source, target, blob, { isRepeated });
    };

    await pause(former, true);
    const leased = idsOf(target);
    await pause(kit, false);
    const both = idsOf(target);
    target.setFaults([rateLimited({ kind: "upload-patch", times: 1, retryAfter: "1" })]);
    await kit.copy(source, target, blob, { isRepeated: true });

    expect(both).toHaveLength(2);
    expect(idsOf(target)).toEqual(leased);
  });
});

describe("a chunked upload whose target fails", () => {
  it("is asked later where it stands when it does not answer now", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({
      faults: [
        hangUp({ kind: "upload-patch", from: 3, times: 1 }),
        failing({ kind: "upload-status", status: 500, times: 1 }),
      ],
    });
    await using kit = createKit(chunky);
    const blob = await source.seedBlob({ sizeBytes: 4 * MiB });

    await expect(kit.copy(source, target, blob)).rejects.toMatchObject({ code: "TARGET_UNAVAILABLE" });
    const next = await kit.copy(source, target, blob);

    expect(next).toMatchObject({ kind: "done", attempts: 1 });
    expect(ranges(source)[1]).toMatch(/^bytes=2097152-/);
    expect(target.countRequests({ kind: "upload-start" })).toBe(1);
    expect(await holds(target, blob)).toBe(true);
    await expectNothingOpen(source, target);
  });

  it("is asked again by the next call when another process cannot take its session up for now", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({
      faults: [rateLimited({ kind: "upload-patch", from: 3, times: 1, retryAfter: "90" })],
    });
    const leases = createTestLeases();
    await using first = createKit(chunky, leases);
    await using second = createKit(chunky, leases);
    const blob = await source.seedBlob({ sizeBytes: 4 * MiB });
    await first.copy(source, target, blob);
    target.addFault(failing({ kind: "upload-status", status: 500, times: 1 }));

    await expect(second.copy(source, target, blob)).rejects.toMatchObject({ code: "TARGET_UNAVAILABLE" });

    expect(await second.copy(source, target, blob)).toMatchObject({ kind: "done", attempts: 1 });
    expect(target.countRequests({ kind: "upload-start" })).toBe(1);
    expect(await holds(target, blob)).toBe(true);
    await expectNothingOpen(source, target);
  });

  it("keeps what it has when chunks break off again and again", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({ faults: [hangUp({ kind: "upload-patch", from: 2, times: 4 })] });
    await using kit = createKit(chunky);
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB });

    await expect(kit.copy(source, target, blob)).rejects.toMatchObject({ code: "TARGET_UNAVAILABLE", retryable: true });

    expect(await kit.copy(source, target, blob)).toMatchObject({ kind: "done", attempts: 1 });
    expect(target.countRequests({ kind: "upload-start" })).toBe(1);
    expect(await holds(target, blob)).toBe(true);
    await expectNothingOpen(source, target);
  });

  it.each([
    ["429", rateLimited({ kind: "upload-put", times: 1, retryAfter: "90" }), { kind: "wait", retryAfterSeconds: 90 }],
    [
      "503 and asks to wait",
      failing({ kind: "upload-put", times: 1, status: 503, retryAfter: "90" }),
      { kind: "wait", retryAfterSeconds: 90 },
    ],
  ])("closes the session later that it has answered %s to", async (_, busy, expected) => {
    await using source = await startRegistry();
    await using target = await startRegistry({ faults: [busy] });
    await using kit = createKit(chunky);
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB });

    const first = await kit.copy(source, target, blob);
    kit.clock.skip(91_000);
    const second = await kit.copy(source, target, blob, { headFirst: true });

    expect(first).toMatchObject(expected);
    expect(second).toMatchObject({ kind: "done", attempts: 1 });
    expect(target.countRequests({ kind: "upload-patch" })).toBe(3);
    expect(source.countRequests({ kind: "blob-get" })).toBe(1);
    expect(await holds(target, blob)).toBe(true);
    await expectNothingOpen(source, target);
  });

  it("closes the session later when it goes away at the closing request", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({
      faults: [hangUp({ kind: "upload-put", times: 1 }), hangUp({ kind: "blob-head", times: 1 })],
    });
    await using kit = createKit(chunky);
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB });

    await expect(kit.copy(source, target, blob)).rejects.toMatchObject({ code: "TARGET_UNAVAILABLE" });

    expect(await kit.copy(source, target, blob, { headFirst: true })).toMatchObject({ kind: "done", attempts: 1 });
    expect(source.countRequests({ kind: "blob-get" })).toBe(1);
    expect(await holds(target, blob)).toBe(true);
    await expectNothingOpen(source, target);
  });

  it("finds what was stored although the answer to the closing request was lost", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({ faults: [loseAnswer({ times: 1 })] });
    await using kit = createKit(chunky);
    const blob = await source.seedBlob({ sizeBytes: 2 * MiB });

    expect(await kit.copy(source, target, blob)).toMatchObject({ kind: "done", attempts: 1 });
    expect(await holds(target, blob)).toBe(true);
    await expectNothingOpen(source, target);
  });
});

describe("a chunked upload whose checkpoints cannot be written", () => {
  it("goes on in this process where it was, once storage is back", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({ behaviour: { sessions: "stateful" } });
    await using kit = createKit(chunky);
    target.addFault(
      fault("storage fails", { kind: "upload-patch", from: 2, times: 1 }, async (call, next) => {
        kit.leases.setDown(true);
        return await next(call);
      }),
    );
    const blob = await source.seedBlob({ sizeBytes: 4 * MiB });

    await expect(kit.copy(source, target, blob)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    kit.leases.setDown(false);
    const next = await kit.copy(source, target, blob);

    expect(next).toMatchObject({ kind: "done", attempts: 1 });
    expect(ranges(source)[1]).toMatch(/^bytes=2097152-/);
    expect(target.countRequests({ kind: "upload-start" })).toBe(1);
    expect(target.countRequests({ kind: "blob-head" })).toBe(0); // its own hash was enough
    expect(await holds(target, blob)).toBe(true);
    await expectNothingOpen(source, target);
  });

  it("is not gone on with from a position that another process has left behind", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({ behaviour: { sessions: "stateful" } });
    const leases = createTestLeases();
    await using first = createKit(chunky, leases);
    await using second = createKit(chunky, leases);
    const blob = await source.seedBlob({ sizeBytes: 4 * MiB });
    const busy = { kind: "upload-patch", times: 1, retryAfter: "1" } as const;
    target.setFaults([rateLimited({ ...busy, from: 2 })]);
    await first.copy(source, target, blob);
    target.setFaults([rateLimited({ ...busy, from: 2 })]);
    await second.copy(source, target, blob);

    const outcome = await first.copy(source, target, blob);

    expect(outcome).toMatchObject({ kind: "done", attempts: 1 });
    expect(ranges(source)).toEqual([undefined, "bytes=1048576-", "bytes=2097152-"]);
    expect(await holds(target, blob)).toBe(true);
    await expectNothingOpen(source, target);
  });
});

describe("a chunked upload that another import has taken over", () => {
  it("is left alone, also when that shows in the pause after a failure", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({ behaviour: { sessions: "stateful" } });
    await using kit = createKit(chunky);
    target.addFault(
      fault("take over", { kind: "upload-patch", from: 2, times: 1 }, async () => {
        kit.leases.rows.clear();
        return { kind: "answer", status: 429, headers: { "retry-after": "1", "content-length": "0" } };
      }),
    );
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB });

    const outcome = await kit.copy(source, target, blob);

    expect(outcome).toEqual({ kind: "wait", retryAfterSeconds: 15 });
    expect(target.countRequests({ kind: "upload-cancel" })).toBe(0);
    expect(target.openSessions()).toHaveLength(1);
  });
});
