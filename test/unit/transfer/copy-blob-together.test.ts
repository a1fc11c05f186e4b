import { describe, expect, it } from "vitest";
import { MiB } from "../../../src/descriptor.ts";
import { createCopyBlob } from "../../../src/transfer/copy-blob.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { createKit } from "./transfer-kit.ts";

const never = new AbortController().signal;

describe("copyBlob, when several want one blob", () => {
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
    const copyBlob = createCopyBlob({ ...kit, ...clock, settings, leases: kit.leases.leases, now: clock.now, sleep });
    const leading = copyBlob(kit.job(source, target, blob, { budget: kit.budget(6_900_000) }), never);
    await hold.reached;

    const outcome = await copyBlob(kit.job(source, target, blob, { budget: kit.budget(6_900_000) }), never);

    expect(outcome).toEqual({ kind: "more", hasProgressed: true });
    hold.release();
    expect(await leading).toMatchObject({ kind: "done", via: "copied" });
  });
});
