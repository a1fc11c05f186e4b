import { describe, expect, it } from "vitest";
import { MiB } from "../../../src/descriptor.ts";
import { digestOf } from "../../../src/digest.ts";
import { answer, refusal } from "../../../src/local/registry/call.ts";
import { createCopyBlob } from "../../../src/transfer/copy-blob.ts";
import { fault } from "../../helpers/faults.ts";
import { testBytes } from "../../helpers/images.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { createKit, holds } from "./transfer-kit.ts";

const never = new AbortController().signal;

describe("copyBlob", () => {
  it("streams a blob with one GET, one POST and one PUT", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB + 17 });

    const outcome = await kit.copy(source, target, blob);

    expect(outcome).toMatchObject({ kind: "done", via: "copied", attempts: 1, copiedBytes: blob.sizeBytes });
    expect(await holds(target, blob)).toBe(true);
    expect(source.countRequests()).toBe(1 + source.countRequests({ kind: "base" }));
    expect(target.requests.map(({ kind }) => kind).filter((kind) => kind !== "base")).toEqual([
      "upload-start",
      "upload-put",
    ]);
    expect(target.bytesReceived(blob.digest)).toBe(blob.sizeBytes);
    expect(target.openSessions()).toEqual([]);
  });

  it("skips a blob that a look finds there", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 1000 });
    await target.seedBlob({ repository: "team/app", content: blob.content });

    const outcome = await kit.copy(source, target, blob, { headFirst: true });

    expect(outcome).toMatchObject({ kind: "done", via: "skipped", copiedBytes: 0 });
    expect(source.countRequests({ kind: "blob-get" })).toBe(0);
  });

  it("mounts from the source repository when both sides are one registry", async () => {
    await using registry = await startRegistry();
    await using kit = createKit();
    const blob = await registry.seedBlob({ sizeBytes: 1000 });

    const outcome = await kit.copy(registry, registry, blob);

    expect(outcome).toMatchObject({ kind: "done", via: "mounted", copiedBytes: 0 });
    expect(await holds(registry, blob)).toBe(true);
    expect(registry.countRequests({ kind: "blob-get" })).toBe(0);
  });

  it("mounts from where it has brought the blob before", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 1000 });
    await kit.copy(source, target, blob);

    const outcome = await kit.copy(source, target, blob, { target: kit.repository(target, "target", "team/other") });

    expect(outcome).toMatchObject({ kind: "done", via: "mounted" });
    expect(source.countRequests({ kind: "blob-get" })).toBe(1);
  });

  it("looks before it sends again what it has brought to this very repository", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 1000 });
    await kit.copy(source, target, blob);

    const outcome = await kit.copy(source, target, blob);

    expect(outcome).toMatchObject({ kind: "done", via: "skipped" });
    expect(source.countRequests({ kind: "blob-get" })).toBe(1);
  });

  it("goes on with the session that a target opens instead of mounting", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 1000 });

    const outcome = await kit.copy(source, target, blob, { filled: ["team/without-it"] });

    expect(outcome).toMatchObject({ kind: "done", via: "copied" });
    expect(target.countRequests({ kind: "mount" })).toBe(1);
    expect(target.countRequests({ kind: "upload-start" })).toBe(0);
    expect(target.openSessions()).toEqual([]);
  });

  it("uploads as usual when a mount is forbidden", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({
      faults: [fault("no mounts", { kind: "mount" }, async () => refusal(403, "DENIED", "no"))],
    });
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 1000 });

    const outcome = await kit.copy(source, target, blob, { filled: ["team/closed"] });

    expect(outcome).toMatchObject({ kind: "done", via: "copied" });
  });

  it("asks no source for inline content", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const inline = testBytes(200, "inline");
    const blob = { repository: "test/blobs", digest: digestOf(inline), sizeBytes: 200, content: inline };

    const outcome = await kit.copy(source, target, blob, { inline });

    expect(outcome).toMatchObject({ kind: "done", via: "copied" });
    expect(await holds(target, blob)).toBe(true);
    expect(source.countRequests()).toBe(0);
  });

  it("copies a blob of no bytes", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ content: new Uint8Array() });

    const outcome = await kit.copy(source, target, blob);

    expect(outcome).toMatchObject({ kind: "done" });
    expect(await target.readBlob(blob.digest)).toHaveLength(0);
  });

  it("lets a blob that two want at the same time travel once", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 2 * MiB });

    const outcomes = await Promise.all([kit.copy(source, target, blob), kit.copy(source, target, blob)]);

    expect(outcomes.map((outcome) => outcome.kind === "done" && outcome.via).sort()).toEqual(["copied", "skipped"]);
    expect(target.bytesReceived(blob.digest)).toBe(blob.sizeBytes);
  });

  it("mounts what another has just brought to another repository of the host", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 2 * MiB });
    const other = kit.repository(target, "target", "team/other");

    const outcomes = await Promise.all([
      kit.copy(source, target, blob),
      kit.copy(source, target, blob, { target: other }),
    ]);

    expect(outcomes.map((outcome) => outcome.kind === "done" && outcome.via)).toEqual(["copied", "mounted"]);
    expect(source.countRequests({ kind: "blob-get" })).toBe(1);
  });

  it("lets a follower try its own source when the leader fails", async () => {
    await using broken = await startRegistry();
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 1 * MiB });

    const [first, second] = await Promise.allSettled([
      kit.copy(broken, target, blob), // does not have it
      kit.copy(source, target, blob),
    ]);

    expect(first).toMatchObject({ status: "rejected", reason: { code: "SOURCE_NOT_FOUND" } });
    expect(second).toMatchObject({ status: "fulfilled", value: { kind: "done", via: "copied" } });
    expect(target.openSessions()).toEqual([]);
  });

  it("waits for another of its process for four minutes of its budget, then asks to be called again", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 2 * MiB });
    const hold = source.hold({ kind: "blob-get" });
    const followMs = 240_000;
    const sleep: typeof kit.clock.sleep = async (ms, signal) =>
      ms === followMs ? kit.clock.skip(ms) : await kit.clock.sleep(ms, signal);
    const { settings, clock } = kit;
    const copyBlob = createCopyBlob({ settings, leases: kit.leases.leases, now: clock.now, sleep });
    const leading = copyBlob(kit.job(source, target, blob, { budget: kit.budget(6_900_000) }), never);
    await hold.reached;

    const outcome = await copyBlob(kit.job(source, target, blob, { budget: kit.budget(6_900_000) }), never);

    expect(outcome).toEqual({ kind: "more", hasProgressed: true });
    hold.release();
    expect(await leading).toMatchObject({ kind: "done", via: "copied" });
  });

  it("waits, when a registry asks for longer than a request may take", async () => {
    const busy = async () => refusal(429, "TOOMANYREQUESTS", "later", { "retry-after": "120" });
    await using source = await startRegistry({ faults: [fault("busy", { kind: "blob-get" }, busy)] });
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 1000 });

    expect(await kit.copy(source, target, blob)).toMatchObject({ kind: "wait", retryAfterSeconds: 120 });
    expect(target.countRequests({ kind: "upload-start" })).toBe(0);
  });

  describe("when an answer is lost", () => {
    it("finds the blob that the target has stored", async () => {
      await using source = await startRegistry();
      await using target = await startRegistry({
        faults: [
          fault("lose the answer", { kind: "upload-put", times: 1 }, async (call, next) => {
            await next(call);
            return { kind: "hang-up" };
          }),
        ],
      });
      await using kit = createKit();
      const blob = await source.seedBlob({ sizeBytes: 1 * MiB });

      const outcome = await kit.copy(source, target, blob);

      expect(outcome).toMatchObject({ kind: "done", via: "copied", attempts: 1 });
      expect(target.countRequests({ kind: "upload-put" })).toBe(1);
    });

    it("starts again at once where the target's word is not to be trusted", async () => {
      await using source = await startRegistry();
      await using target = await startRegistry({
        faults: [
          fault("read and hang up", { kind: "upload-put", times: 1 }, async (call) => {
            for await (const _ of call.content);
            return { kind: "hang-up" };
          }),
        ],
      });
      await using kit = createKit();
      const blob = await source.seedBlob({ sizeBytes: 1000 });
      await target.seedBlob({ repository: "team/app", content: blob.content });

      const outcome = await kit.copy(source, target, blob, { isRepair: true });

      expect(outcome).toMatchObject({ kind: "done", via: "copied", attempts: 2 });
      expect(target.countRequests({ kind: "upload-put", status: 201 })).toBe(1);
      expect(kit.clock.sleeps).toEqual([]);
    });

    it("looks for a minute, then starts again", async () => {
      await using source = await startRegistry();
      await using target = await startRegistry({
        faults: [
          fault("read and hang up", { kind: "upload-put", times: 1 }, async (call) => {
            for await (const _ of call.content);
            return { kind: "hang-up" };
          }),
        ],
      });
      await using kit = createKit();
      const blob = await source.seedBlob({ sizeBytes: 1 * MiB });

      const outcome = await kit.copy(source, target, blob);

      expect(outcome).toMatchObject({ kind: "done", via: "copied", attempts: 2 });
      expect(kit.clock.sleeps).toEqual(Array(12).fill(5_000));
      expect(target.openSessions()).toEqual([]);
    });
  });

  describe("when the target refuses", () => {
    it("starts over in a new session when the old one is lost", async () => {
      await using source = await startRegistry();
      await using target = await startRegistry({
        faults: [
          fault("forget", { kind: "upload-put", times: 1 }, async (call) => {
            for await (const _ of call.content);
            return refusal(404, "BLOB_UPLOAD_UNKNOWN", "gone");
          }),
        ],
      });
      await using kit = createKit();
      const blob = await source.seedBlob({ sizeBytes: 1 * MiB });

      const outcome = await kit.copy(source, target, blob);

      expect(outcome).toMatchObject({ kind: "done", attempts: 2 });
      expect(target.openSessions()).toEqual([]);
    });

    it("gives up on a target that rejects the right digest each time", async () => {
      await using source = await startRegistry();
      await using target = await startRegistry({
        faults: [
          fault("reject", { kind: "upload-put" }, async (call) => {
            for await (const _ of call.content);
            return refusal(400, "DIGEST_INVALID", "no");
          }),
        ],
      });
      await using kit = createKit();
      const blob = await source.seedBlob({ sizeBytes: 1000 });

      await expect(kit.copy(source, target, blob)).rejects.toMatchObject({
        code: "TARGET_DIGEST_REJECTED",
        side: "target",
        retryable: false,
      });
      expect(target.countRequests({ kind: "upload-put" })).toBe(4);
      expect(target.openSessions()).toEqual([]);
    });

    it("sends chunks after a 413, smaller ones after another, and remembers", async () => {
      const tooLarge = fault(
        "limit of 2 MiB",
        { kind: ["upload-put", "upload-patch"], when: (call) => Number(call.headers["content-length"]) > 2 * MiB },
        async () => answer(413),
      );
      await using source = await startRegistry();
      await using target = await startRegistry({ faults: [tooLarge] });
      await using kit = createKit();
      const blob = await source.seedBlob({ sizeBytes: 7 * MiB });
      const second = await source.seedBlob({ sizeBytes: 6 * MiB });

      const first = await kit.copy(source, target, blob);
      const refusalsOfFirst = target.countRequests({ status: 413 });
      await kit.copy(source, target, second);

      expect(first).toMatchObject({ kind: "done", via: "copied" });
      expect(await holds(target, blob)).toBe(true);
      expect(await holds(target, second)).toBe(true);
      expect(refusalsOfFirst).toBe(2); // 7 and 3.5 MiB; 1.75 go
      expect(target.countRequests({ status: 413 })).toBe(refusalsOfFirst);
      expect(target.openSessions()).toEqual([]);
    });

    it("sends what it says to have, and does not, in chunks as well", async () => {
      const tooLarge = fault(
        "limit of 2 MiB",
        { kind: "upload-put", when: (call) => Number(call.headers["content-length"]) > 2 * MiB },
        async () => answer(413),
      );
      await using source = await startRegistry();
      await using target = await startRegistry({ faults: [tooLarge] });
      await using kit = createKit();
      const blob = await source.seedBlob({ sizeBytes: 3 * MiB });
      await target.seedBlob({ repository: "team/app", content: blob.content });

      const outcome = await kit.copy(source, target, blob, { isRepair: true });

      expect(outcome).toMatchObject({ kind: "done", via: "copied", attempts: 2 });
      expect(target.countRequests({ kind: "upload-put", status: 201 })).toBe(1);
    });

    it("fails when a registry that takes no chunks finds the whole too large", async () => {
      await using source = await startRegistry();
      await using target = await startRegistry({
        faults: [fault("small", { kind: "upload-put" }, async () => answer(413))],
      });
      await using kit = createKit({ profile: "gar" });
      const blob = await source.seedBlob({ sizeBytes: 2 * MiB });

      await expect(kit.copy(source, target, blob)).rejects.toMatchObject({
        code: "TARGET_UPLOAD_REJECTED",
        httpStatus: 413,
      });
      expect(target.openSessions()).toEqual([]);
    });
  });

  describe("when the source is bad", () => {
    it("never completes corrupt content", async () => {
      await using source = await startRegistry();
      await using target = await startRegistry();
      await using kit = createKit();
      const blob = await source.seedBlob({ sizeBytes: 1 * MiB });
      source.addFault(
        fault("flip", { kind: "blob-get" }, async () => ({
          kind: "answer",
          status: 200,
          headers: { "content-length": String(blob.sizeBytes) },
          body: blob.content.map((byte, at) => (at === 500_000 ? byte ^ 1 : byte)),
        })),
      );

      await expect(kit.copy(source, target, blob)).rejects.toMatchObject({
        code: "SOURCE_CONTENT_CORRUPT",
        side: "source",
        registry: source.host,
      });
      expect(target.bytesReceived(blob.digest)).toBeLessThan(blob.sizeBytes);
      expect(await target.readBlob(blob.digest)).toBeUndefined();
      expect(target.openSessions()).toEqual([]);
    });

    it.each([-1, 1])("refuses content of the wrong size (%i) before a session is opened", async (delta) => {
      await using source = await startRegistry();
      await using target = await startRegistry();
      await using kit = createKit();
      const blob = await source.seedBlob({ sizeBytes: 1000 });

      const copying = kit.copy(source, target, { ...blob, sizeBytes: blob.sizeBytes + delta });

      await expect(copying).rejects.toMatchObject({ code: "SOURCE_CONTENT_CORRUPT" });
      expect(target.countRequests({ kind: "upload-start" })).toBe(0);
    });
  });

  it("stops at once when cancelled, and leaves no session", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 4 * MiB });
    const hold = source.hold({ kind: "blob-get" }, { sentBytes: 2 * MiB });
    const cancel = new AbortController();
    const copying = kit.copy(source, target, blob, {}, cancel.signal);
    await hold.reached;
    await target.waitForRequest(({ kind, receivedBytes }) => kind === "upload-put" && receivedBytes > 0, 5_000);

    cancel.abort(new Error("cancelled"));

    await expect(copying).rejects.toThrow("cancelled");
    await target.waitForRequest({ kind: "upload-cancel", isOver: true }, 5_000);
    expect(target.openSessions()).toEqual([]);
  });

  it("returns more when the budget ends in the middle of a whole PUT, and leaves no session", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 4 * MiB });
    const hold = source.hold({ kind: "blob-get" }, { sentBytes: 2 * MiB });
    const copying = kit.copy(source, target, blob, { budget: kit.budget(60_000) });
    await hold.reached;

    kit.clock.skip(61_000);
    hold.release();

    expect(await copying).toEqual({ kind: "more", hasProgressed: false });
    expect(target.openSessions()).toEqual([]);
  });
});
