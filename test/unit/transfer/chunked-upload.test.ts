import { describe, expect, it } from "vitest";
import { MiB } from "../../../src/descriptor.ts";
import { refusal } from "../../../src/local/registry/call.ts";
import type { BlobOutcome } from "../../../src/transfer/copy-blob.ts";
import { type Fault, fault } from "../../helpers/faults.ts";
import { failing, hangUp } from "../../helpers/faults-any.ts";
import { startRegistry, type TestRegistry } from "../../helpers/registry.ts";
import { chunky, createKit, createTestLeases, expectNothingOpen, holds } from "./transfer-kit.ts";

/** Ends the budget of a copy when the target has taken so many chunks. */
function endBudgetAt(chunks: number, stopping: AbortController): Fault {
  return fault("end the budget", { kind: "upload-patch", from: chunks, times: 1 }, async (call, next) => {
    const done = await next(call);
    stopping.abort(new Error("the process ends"));
    return done;
  });
}

function patchedBytes(target: TestRegistry): number {
  return target.requests
    .filter(({ kind }) => kind === "upload-patch")
    .reduce((total, { receivedBytes }) => total + receivedBytes, 0);
}

describe("uploadChunked", () => {
  it("sends chunks of the profile's size in order, in one session, and closes it with an empty PUT", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit(chunky);
    const blob = await source.seedBlob({ sizeBytes: 2 * MiB + 5 });

    const outcome = await kit.copy(source, target, blob);

    expect(outcome).toMatchObject({ kind: "done", via: "copied", attempts: 1 });
    expect(await holds(target, blob)).toBe(true);
    const patches = target.requests.filter(({ kind }) => kind === "upload-patch");
    expect(patches.map(({ headers }) => headers["content-range"])).toEqual([
      `0-${MiB - 1}`,
      `${MiB}-${2 * MiB - 1}`,
      `${2 * MiB}-${2 * MiB + 4}`,
    ]);
    expect(source.countRequests({ kind: "blob-get" })).toBe(1);
    expect(target.requests.find(({ kind }) => kind === "upload-put")?.receivedBytes).toBe(0);
    expect(kit.leases.rows.size).toBe(0);
  });

  it("saves a checkpoint after every chunk where an old Location is refused", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({ behaviour: { sessions: "stateful" } });
    await using kit = createKit(chunky);
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB });

    await kit.copy(source, target, blob);

    expect(kit.leases.saved.map((saved) => saved?.offsetBytes)).toEqual([MiB, 2 * MiB, 3 * MiB]);
  });

  it("saves one after every chunk where the target cannot be asked how far it has come", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit({ ...chunky, profile: "ecr" });
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB });

    await kit.copy(source, target, blob);

    expect(kit.leases.saved.map((saved) => saved?.offsetBytes)).toEqual([MiB, 2 * MiB, 3 * MiB]);
  });

  it("saves one only every so often where an old Location stays valid", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit({
      ...chunky,
      settings: { ...chunky.settings, checkpointBytes: 2 * MiB },
      profile: "zot",
    });
    const blob = await source.seedBlob({ sizeBytes: 5 * MiB });
    await using calm = createKit({ ...chunky, profile: "zot" });

    await kit.copy(source, target, blob);
    await calm.copy(source, target, blob, { target: calm.repository(target, "target", "team/calm") });

    expect(kit.leases.saved.map((saved) => saved?.offsetBytes)).toEqual([2 * MiB, 4 * MiB]);
    expect(calm.leases.saved).toEqual([]);
  });

  it.each(["stateful", "stateless"] as const)(
    "finishes the running chunk when it must stop, and sends only the rest when called again (%s)",
    async (sessions) => {
      await using source = await startRegistry();
      await using target = await startRegistry({ behaviour: { sessions } });
      await using kit = createKit(chunky);
      const stopping = new AbortController();
      target.addFault(endBudgetAt(2, stopping));
      const blob = await source.seedBlob({ sizeBytes: 4 * MiB });
      const stopped = { endsAt: Number.POSITIVE_INFINITY, stopping: stopping.signal };

      const first = await kit.copy(source, target, blob, { budget: stopped });
      const sentByFirst = patchedBytes(target);
      const second = await kit.copy(source, target, blob);

      expect(first).toEqual({ kind: "more", hasProgressed: true });
      expect(sentByFirst).toBe(2 * MiB);
      expect(second).toMatchObject({ kind: "done", via: "copied", attempts: 1 });
      expect(patchedBytes(target)).toBe(blob.sizeBytes);
      expect(source.requests.filter(({ kind }) => kind === "blob-get")[1]?.headers.range).toMatch(/^bytes=2097152-/);
      expect(target.countRequests({ kind: "blob-head" })).toBe(0); // its own hash was enough
      expect(await holds(target, blob)).toBe(true);
    },
  );

  describe("from a source that drips", () => {
    /** The source falls silent in the second chunk until long after the budget's end. */
    async function copySlowly(kit: ReturnType<typeof createKit>, source: TestRegistry, target: TestRegistry) {
      const blob = await source.seedBlob({ sizeBytes: 3 * MiB });
      const budget = kit.budget(60_000);
      const dripping = source.hold({ kind: "blob-get" }, { sentBytes: MiB + 300_000 });
      const second = target.hold({ kind: "upload-patch", from: 2 }, { receivedBytes: 100_000 });
      const copying = kit.copy(source, target, blob, { budget });
      await Promise.all([dripping.reached, second.reached]);
      kit.clock.skip(100_000);
      second.release();
      return { blob, outcome: await copying };
    }

    it("cuts the chunk that its budget ends in, and goes on where the target stands", async () => {
      await using source = await startRegistry();
      await using target = await startRegistry();
      await using kit = createKit(chunky);

      const { blob, outcome } = await copySlowly(kit, source, target);
      const kept = kit.leases.saved.at(-1)?.offsetBytes;
      const second = await kit.copy(source, target, blob);

      expect(outcome).toEqual({ kind: "more", hasProgressed: true });
      expect(kept).toBeGreaterThanOrEqual(MiB);
      expect(kept).toBeLessThan(2 * MiB);
      expect(second).toMatchObject({ kind: "done", attempts: 1 });
      expect(source.requests.filter(({ kind }) => kind === "blob-get")[1]?.headers.range).toBe(`bytes=${kept}-`);
      expect(await holds(target, blob)).toBe(true);
    });

    it("gives the session up where the target cannot tell what it has of the chunk", async () => {
      await using source = await startRegistry();
      await using target = await startRegistry();
      await using kit = createKit({ ...chunky, profile: "ecr" });

      const { blob, outcome } = await copySlowly(kit, source, target);

      expect(outcome).toEqual({ kind: "more", hasProgressed: false });
      await expectNothingOpen(source, target);
      expect(await kit.copy(source, target, blob)).toMatchObject({ kind: "done" });
      expect(await holds(target, blob)).toBe(true);
    });

    it("lets a chunk end that is late by seconds only", async () => {
      await using source = await startRegistry();
      await using target = await startRegistry();
      await using kit = createKit(chunky);
      const blob = await source.seedBlob({ sizeBytes: 3 * MiB });
      const second = target.hold({ kind: "upload-patch", from: 2 }, { receivedBytes: 100_000 });

      const copying = kit.copy(source, target, blob, { budget: kit.budget(60_000) });
      await second.reached;
      kit.clock.skip(70_000);
      second.release();

      expect(await copying).toEqual({ kind: "more", hasProgressed: true });
      expect(kit.leases.saved.at(-1)?.offsetBytes).toBe(2 * MiB);
    });
  });

  it("brings a blob over in as many processes as it takes, which know nothing of each other's rates", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    const leases = createTestLeases();
    const kits = [1, 2, 3].map(() => createKit({ profile: "ghcr" }, leases)); // chunks of 4 MiB
    const blob = await source.seedBlob({ sizeBytes: 9 * MiB });
    const outcomes: BlobOutcome[] = [];

    for (const [round, kit] of kits.entries()) {
      target.setFaults([
        fault("end the budget", { kind: ["upload-put", "upload-patch"], times: 1 }, async (call, next) => {
          kit.clock.skip(round === 2 ? 0 : 240_000);
          return await next(call);
        }),
      ]);
      outcomes.push(await kit.copy(source, target, blob, { isRepeated: round > 0, headFirst: round > 0 }));
      await kit[Symbol.asyncDispose]();
    }

    expect(outcomes).toMatchObject([
      { kind: "more", hasProgressed: false },
      { kind: "more", hasProgressed: true },
      { kind: "done" },
    ]);
    expect(source.requests.filter(({ kind }) => kind === "blob-get").at(-1)?.headers.range).toMatch(/^bytes=4194304-/);
    expect(await holds(target, blob)).toBe(true);
    await expectNothingOpen(source, target);
  });

  it("lets the target's check decide when another process goes on", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({ behaviour: { sessions: "stateful" } });
    const leases = createTestLeases();
    await using first = createKit(chunky, leases);
    await using second = createKit(chunky, leases);
    const stopping = new AbortController();
    target.addFault(endBudgetAt(1, stopping));
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB });
    const stopped = { endsAt: Number.POSITIVE_INFINITY, stopping: stopping.signal };
    await first.copy(source, target, blob, { budget: stopped });

    const outcome = await second.copy(source, target, blob);

    expect(outcome).toMatchObject({ kind: "done", attempts: 1 });
    expect(patchedBytes(target)).toBe(blob.sizeBytes);
    expect(target.countRequests({ kind: "blob-head" })).toBe(1); // confirms what was never hashed here
    expect(await holds(target, blob)).toBe(true);
  });

  it("starts at byte 0 when the target rejects what another process has begun", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit(chunky);
    const blob = await source.seedBlob({ sizeBytes: 2 * MiB });
    const begun = await fetch(`${target.url}/v2/team/app/blobs/uploads/`, { method: "POST" });
    const location = new URL(begun.headers.get("location") ?? "", target.url).href;
    await fetch(location, { method: "PATCH", body: new Uint8Array(MiB) }); // zeros: not what the blob begins with
    const job = kit.job(source, target, blob);
    const lease = await kit.leases.leases.acquire(
      { registry: target.host, repository: "team/app", digest: blob.digest },
      job.owner,
      new AbortController().signal,
    );
    if (lease !== "busy") await lease.save({ location, offsetBytes: MiB, profile: "unknown" });

    const outcome = await kit.copyBlob(job, new AbortController().signal);

    expect(outcome).toMatchObject({ kind: "done", attempts: 2 });
    expect(await holds(target, blob)).toBe(true);
    await expectNothingOpen(source, target);
  });

  const restarts: readonly (readonly [string, Fault])[] = [
    [
      "forgets the session",
      fault("forget", { kind: "upload-patch", from: 2, times: 1 }, async () =>
        refusal(404, "BLOB_UPLOAD_UNKNOWN", "gone"),
      ),
    ],
    [
      "answers 416 for no reason",
      fault("416", { kind: "upload-patch", from: 2, times: 1 }, async () => refusal(416, "RANGE_INVALID", "no")),
    ],
    [
      "rejects the digest once",
      fault("reject", { kind: "upload-put", times: 1 }, async () => refusal(400, "DIGEST_INVALID", "no")),
    ],
  ];
  it.each(restarts)("brings the blob although the target %s", async (_, trouble) => {
    await using source = await startRegistry();
    await using target = await startRegistry({ faults: [trouble], behaviour: { sessions: "stateful" } });
    await using kit = createKit(chunky);
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB });

    const outcome = await kit.copy(source, target, blob);

    expect(outcome).toMatchObject({ kind: "done", via: "copied" });
    expect(await holds(target, blob)).toBe(true);
    await expectNothingOpen(source, target);
  });

  it("gives up when every session is lost", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({
      faults: [fault("forget", { kind: "upload-patch" }, async () => refusal(404, "BLOB_UPLOAD_UNKNOWN", "gone"))],
    });
    await using kit = createKit(chunky);
    const blob = await source.seedBlob({ sizeBytes: 2 * MiB });

    await expect(kit.copy(source, target, blob)).rejects.toMatchObject({ code: "TARGET_UPLOAD_REJECTED" });
    expect(target.countRequests({ kind: "upload-start" })).toBe(4);
    await expectNothingOpen(source, target);
    expect(kit.leases.rows.size).toBe(0);
  });

  it("goes on at the offset that the target reports after a broken chunk", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({
      faults: [
        fault("break", { kind: "upload-patch", from: 2, times: 1 }, async (call, next) => {
          const half = async function* () {
            let leftBytes = 300_000;
            for await (const chunk of call.content) {
              const piece = chunk.subarray(0, leftBytes);
              leftBytes -= piece.byteLength;
              yield piece;
              if (leftBytes === 0) return;
            }
          };
          await next({ ...call, content: half(), headers: {} });
          return { kind: "hang-up" };
        }),
      ],
    });
    await using kit = createKit(chunky);
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB });

    const outcome = await kit.copy(source, target, blob);

    expect(outcome).toMatchObject({ kind: "done", attempts: 1 });
    expect(target.countRequests({ kind: "upload-start" })).toBe(1);
    expect(await holds(target, blob)).toBe(true);
  });

  it("starts over where the target will not say what it has of a broken chunk", async () => {
    const faults = [
      failing({ kind: "upload-status", status: 405, code: "UNSUPPORTED" }),
      hangUp({ kind: "upload-patch", from: 2, times: 1 }),
    ];
    await using source = await startRegistry();
    await using target = await startRegistry({ faults });
    await using kit = createKit(chunky);
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB });

    const outcome = await kit.copy(source, target, blob);

    expect(outcome).toMatchObject({ kind: "done", attempts: 2 });
    expect(await holds(target, blob)).toBe(true);
    await expectNothingOpen(source, target);
  });

  it("starts over when a Range tells that the target stored something else", async () => {
    const stale = fault("stale Range", { kind: "upload-patch", from: 2, times: 1 }, async (call, next) => {
      const done = await next(call);
      return done.kind === "answer" ? { ...done, headers: { ...done.headers, range: `0-${MiB - 1}` } } : done;
    });
    await using source = await startRegistry();
    await using target = await startRegistry({ faults: [stale], behaviour: { sessions: "stateful" } });
    await using kit = createKit(chunky);
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB });

    const outcome = await kit.copy(source, target, blob);

    expect(outcome).toMatchObject({ kind: "done", attempts: 2 });
    expect(await holds(target, blob)).toBe(true);
  });

  it("does not believe the Range of a registry whose Range is stuck, nor wait for a 202 where it says 201", async () => {
    const ecr = fault("like ECR", { kind: "upload-patch" }, async (call, next) => {
      const done = await next(call);
      return done.kind === "answer"
        ? { ...done, status: 201, headers: { ...done.headers, range: `0-${MiB - 1}` } }
        : done;
    });
    await using source = await startRegistry();
    await using target = await startRegistry({ faults: [ecr] });
    await using kit = createKit({ ...chunky, profile: "ecr" });
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB });

    const outcome = await kit.copy(source, target, blob);

    expect(outcome).toMatchObject({ kind: "done", attempts: 1 });
    expect(patchedBytes(target)).toBe(blob.sizeBytes);
  });

  it("keeps the session when the target asks to wait between two chunks", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({
      faults: [
        fault("busy", { kind: "upload-patch", from: 2, times: 1 }, async () =>
          refusal(429, "TOOMANYREQUESTS", "later", { "retry-after": "90" }),
        ),
      ],
    });
    await using kit = createKit(chunky);
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB });

    const first = await kit.copy(source, target, blob);
    kit.clock.skip(91_000);
    const second = await kit.copy(source, target, blob);

    expect(first).toMatchObject({ kind: "wait", retryAfterSeconds: 90 });
    expect(second).toMatchObject({ kind: "done" });
    expect(target.countRequests({ kind: "upload-start" })).toBe(1);
    expect(await holds(target, blob)).toBe(true);
  });

  it("never completes corrupt content, and keeps nothing of it", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit(chunky);
    const blob = await source.seedBlob({ sizeBytes: 2 * MiB });
    source.addFault(
      fault("flip", { kind: "blob-get" }, async () => ({
        kind: "answer",
        status: 200,
        headers: { "content-length": String(blob.sizeBytes) },
        body: new Uint8Array(blob.sizeBytes),
      })),
    );

    await expect(kit.copy(source, target, blob)).rejects.toMatchObject({ code: "SOURCE_CONTENT_CORRUPT" });
    expect(target.countRequests({ kind: "upload-put" })).toBe(0);
    await expectNothingOpen(source, target);
    expect(kit.leases.rows.size).toBe(0);
  });

  it("waits for an import of another process that holds the blob", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit(chunky);
    const blob = await source.seedBlob({ sizeBytes: 2 * MiB });
    const key = { registry: target.host, repository: "team/app", digest: blob.digest };
    await kit.leases.leases.acquire(key, "import-2", new AbortController().signal);

    const outcome = await kit.copy(source, target, blob);

    expect(outcome).toEqual({ kind: "wait", retryAfterSeconds: 15 });
    expect(kit.clock.sleeps).toEqual(Array(5).fill(1_000));
    expect(source.countRequests({ kind: "blob-get" })).toBe(0);
  });

  it("stops writing and leaves the session alone when another import has taken over", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({ behaviour: { sessions: "stateful" } });
    await using kit = createKit(chunky);
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB });
    target.addFault(
      fault("take over", { kind: "upload-patch", from: 2, times: 1 }, async (call, next) => {
        kit.leases.rows.clear();
        return await next(call);
      }),
    );

    const outcome = await kit.copy(source, target, blob);

    expect(outcome).toEqual({ kind: "wait", retryAfterSeconds: 15 });
    expect(target.countRequests({ kind: "upload-patch" })).toBe(2);
    expect(target.countRequests({ kind: "upload-cancel" })).toBe(0);
  });
});
