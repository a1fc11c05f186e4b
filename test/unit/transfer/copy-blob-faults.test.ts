import { describe, expect, it } from "vitest";
import { MiB } from "../../../src/descriptor.ts";
import { answer, refusal } from "../../../src/local/registry/call.ts";
import { fault } from "../../helpers/faults.ts";
import { hangUp, rateLimited } from "../../helpers/faults-any.ts";
import { truncateBody } from "../../helpers/faults-source.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { createKit, expectNothingOpen, holds } from "./transfer-kit.ts";

describe("copyBlob, when an answer is lost", () => {
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
    await expectNothingOpen(source, target);
  });
});

describe("copyBlob, when the target refuses", () => {
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
    await expectNothingOpen(source, target);
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
    await expectNothingOpen(source, target);
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
    await expectNothingOpen(source, target);
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
    await expectNothingOpen(source, target);
  });
});

describe("copyBlob, when the source is bad", () => {
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
    await expectNothingOpen(source, target);
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

describe("a blob whose upload fails for now", () => {
  it.each([
    ["was throttled: it was not carried out", rateLimited({ kind: "upload-put", retryAfter: "90" }), 0],
    ["never began", hangUp({ kind: "upload-start" }), 0],
    ["broke off each time", hangUp({ kind: "upload-put" }), 4],
  ])("says whether it was cut off in the midst of its content: it %s", async (_, failing, cuts) => {
    await using source = await startRegistry();
    await using target = await startRegistry({ faults: [failing] });
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: MiB });
    let cut = 0;

    await kit.copy(source, target, blob, { onCut: () => (cut += 1) }).catch(() => undefined);

    expect(cut).toBe(cuts);
  });

  it("says so where its source breaks off", async () => {
    await using source = await startRegistry({ faults: [truncateBody({ afterBytes: 100_000 })] });
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 2 * MiB });
    let cut = 0;

    await expect(kit.copy(source, target, blob, { onCut: () => (cut += 1) })).rejects.toThrow();

    expect(cut).toBe(1);
  });
});
