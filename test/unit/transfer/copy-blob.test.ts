import { describe, expect, it } from "vitest";
import { MiB } from "../../../src/descriptor.ts";
import { digestOf } from "../../../src/digest.ts";
import { refusal } from "../../../src/local/registry/call.ts";
import { fault } from "../../helpers/faults.ts";
import { testBytes } from "../../helpers/images.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { createKit, expectNothingOpen, holds } from "./transfer-kit.ts";

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
    await expectNothingOpen(source, target);
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

  it("waits, when a registry asks for longer than a request may take", async () => {
    const busy = async () => refusal(429, "TOOMANYREQUESTS", "later", { "retry-after": "120" });
    await using source = await startRegistry({ faults: [fault("busy", { kind: "blob-get" }, busy)] });
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 1000 });

    expect(await kit.copy(source, target, blob)).toMatchObject({ kind: "wait", retryAfterSeconds: 120 });
    expect(target.countRequests({ kind: "upload-start" })).toBe(0);
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
    await expectNothingOpen(source, target);
  });

  it.each([
    ["a source that sends no further byte", "blob-get", { sentBytes: 2 * MiB }],
    ["a target that takes none", "upload-put", { receivedBytes: 1 * MiB }],
  ] as const)("ends a whole PUT with its budget, also with %s, and leaves no session", async (_, kind, at) => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 64 * MiB });
    const hold = (kind === "blob-get" ? source : target).hold({ kind }, at);
    const copying = kit.copy(source, target, blob, { budget: kit.budget(60_000) });
    await hold.reached;
    await target.waitForRequest(({ kind, receivedBytes }) => kind === "upload-put" && receivedBytes > 0, 5_000);

    kit.clock.skip(61_000); // cut by now: what comes after that is not waited for
    hold.release();

    expect(await copying).toEqual({ kind: "more", hasProgressed: false });
    await target.waitForRequest({ kind: "upload-cancel", status: 204 }, 5_000);
    await expectNothingOpen(source, target);
  });

  it("lets a target that has all of a blob take its time for the answer", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 2 * MiB });
    const hold = target.hold({ kind: "upload-put" }, "answer");
    const copying = kit.copy(source, target, blob, { budget: kit.budget(60_000) });
    await hold.reached;

    kit.clock.skip(61_000);
    hold.release();

    expect(await copying).toMatchObject({ kind: "done" });
  });

  it("holds nothing against a blob whose budget went by before the source began to send it", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 2 * MiB });
    const hold = source.hold({ kind: "blob-get" }, "answer");
    const copying = kit.copy(source, target, blob, { budget: kit.budget(60_000) });
    await hold.reached;

    kit.clock.skip(61_000);
    hold.release();

    expect(await copying).toEqual({ kind: "more", hasProgressed: true });
    expect(target.countRequests({ kind: "upload-start" })).toBe(0);
  });
});
