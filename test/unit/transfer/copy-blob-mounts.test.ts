import { describe, expect, it } from "vitest";
import { refusal } from "../../../src/local/registry/call.ts";
import { type Fault, fault } from "../../helpers/faults.ts";
import { failing } from "../../helpers/faults-any.ts";
import { claimBlob, refuseMount } from "../../helpers/faults-target.ts";
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

  it("sends what the target says to have with another size", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 1000 });
    target.addFault(claimBlob({ digest: blob.digest, sizeBytes: 400 }));

    const outcome = await kit.copy(source, target, blob, { headFirst: true });

    expect(outcome).toMatchObject({ kind: "done", via: "copied" });
    expect(await holds(target, blob)).toBe(true);
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

  it.each([400, 405, 409, 422, 500, 501])("uploads as usual when a mount is answered %i", async (status) => {
    await using registry = await startRegistry({ faults: [failing({ kind: "mount", status })] });
    await using kit = createKit();
    const blob = await registry.seedBlob({ sizeBytes: 1000 });

    const outcome = await kit.copy(registry, registry, blob);

    expect(outcome).toMatchObject({ kind: "done", via: "copied" });
    expect(await holds(registry, blob)).toBe(true);
  });
});

describe("copyBlob, when a mount from a remembered place does not come about", () => {
  /** A process that has brought `count` blobs to one repository, and a way to copy each to another one. */
  async function bringTo(count: number, faults: readonly Fault[]) {
    const source = await startRegistry();
    const target = await startRegistry({ faults });
    const kit = createKit();
    const blobs = await Promise.all(Array.from({ length: count }, () => source.seedBlob({ sizeBytes: 1000 })));
    for (const blob of blobs) await kit.copy(source, target, blob);
    let copies = 0;
    return {
      target,
      kit,
      /** Copies one of the blobs to a repository that is new each time; answers how it came there. */
      copyOn: async (at: number): Promise<string> => {
        copies += 1;
        const repository = kit.repository(target, "target", `team/other-${copies}`);
        const outcome = await kit.copy(source, target, blobs[at] ?? expect.fail(`no blob ${at}`), {
          target: repository,
        });
        return outcome.kind === "done" ? outcome.via : outcome.kind;
      },
      [Symbol.asyncDispose]: async () => {
        await kit[Symbol.asyncDispose]();
        await target[Symbol.asyncDispose]();
        await source[Symbol.asyncDispose]();
      },
    };
  }

  it("goes on with the session that the target opens instead", async () => {
    await using brought = await bringTo(1, [refuseMount({ status: 202 })]);

    expect(await brought.copyOn(0)).toBe("copied");

    expect(brought.target.countRequests({ kind: "mount" })).toBe(1);
    expect(brought.target.countRequests({ kind: "upload-start" })).toBe(1); // that of the first repository
    expect(brought.target.countRequests({ kind: "upload-cancel" })).toBe(0);
    expect(brought.target.openSessions()).toEqual([]);
  });

  it.each([202, 400, 405, 500])("asks a host that answers %i no more, and again after ten minutes", async (status) => {
    const fault = status === 202 ? refuseMount({ status }) : failing({ kind: "mount", status });
    await using brought = await bringTo(3, [fault]);

    expect(await brought.copyOn(0)).toBe("copied");
    expect(await brought.copyOn(1)).toBe("copied");
    expect(brought.target.countRequests({ kind: "mount" })).toBe(1);

    brought.kit.clock.skip(10 * 60_000);
    expect(await brought.copyOn(2)).toBe("copied");
    expect(brought.target.countRequests({ kind: "mount" })).toBe(2);
  });

  it.each([401, 403, 404])("goes on mounting other blobs where one place is answered %i", async (status) => {
    await using brought = await bringTo(2, [failing({ kind: "mount", status, times: 1 })]);

    expect(await brought.copyOn(0)).toBe("copied");

    expect(await brought.copyOn(1)).toBe("mounted");
    expect(await brought.copyOn(0)).toBe("mounted"); // from where it has been copied to meanwhile
  });

  it("goes on mounting other blobs where one was seen long ago and has gone", async () => {
    await using brought = await bringTo(2, [refuseMount({ status: 202, times: 1 })]);
    brought.kit.clock.skip(10 * 60_000);

    expect(await brought.copyOn(0)).toBe("copied");

    expect(await brought.copyOn(1)).toBe("mounted");
  });
});
