import { describe, expect, it } from "vitest";
import { refusal } from "../../../src/local/registry/call.ts";
import { fault } from "../../helpers/faults.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { createKit, holds } from "./transfer-kit.ts";

describe("copyBlob, where the target may have the blob", () => {
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
});
