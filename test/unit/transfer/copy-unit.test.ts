import { describe, expect, it } from "vitest";
import type { PlannedBlob } from "../../../src/domain/import-plan.ts";
import { refusal } from "../../../src/local/registry/call.ts";
import {
  type CopiedPart,
  createCopyUnit,
  type UnitContext,
  type UnitProgress,
} from "../../../src/transfer/copy-unit.ts";
import { fault } from "../../helpers/faults.ts";
import { type SeededBlob, startRegistry, type TestRegistry } from "../../helpers/registry.ts";
import { createKit } from "./transfer-kit.ts";

type Kit = ReturnType<typeof createKit>;

function prepare(kit: Kit, source: TestRegistry, target: TestRegistry, more: Partial<UnitContext> = {}) {
  const parts: CopiedPart[] = [];
  const progress: UnitProgress[] = [];
  const context: UnitContext = {
    source: kit.repository(source, "source", "test/blobs"),
    targets: ["team/app", "team/other"].map((name) => kit.repository(target, "target", name)),
    readInline: async () => new Uint8Array(),
    headFirst: false,
    isRepair: false,
    isRepeated: false,
    onCut: () => {},
    owner: "import-1",
    budget: kit.budget(),
    onPart: (part) => parts.push(part),
    onProgress: (now) => progress.push(now),
    ...more,
  };
  const copyUnit = createCopyUnit({ copyBlob: kit.copyBlob, parallelBlobs: 2 });
  const copy = (blobs: readonly PlannedBlob[], signal = new AbortController().signal) =>
    copyUnit({ n: 0, blobs: [...blobs] }, context, signal);
  return { parts, progress, copy };
}

function planned({ digest, sizeBytes }: SeededBlob, targets: number[] = [0]): PlannedBlob {
  return { digest, sizeBytes, targets };
}

describe("copyUnit", () => {
  it("streams each blob once and mounts it into the other targets", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blobs = [await source.seedBlob({ sizeBytes: 1000 }), await source.seedBlob({ sizeBytes: 2000 })];
    const { copy, parts, progress } = prepare(kit, source, target);

    const outcome = await copy(blobs.map((blob) => planned(blob, [0, 1])));

    expect(outcome.end).toEqual({ kind: "done" });
    expect(outcome.parts).toEqual(parts);
    expect(parts.map(({ via }) => via).sort()).toEqual(["copied", "copied", "mounted", "mounted"]);
    expect(progress.at(-1)).toEqual({ doneBlobs: 4, bytes: { copied: 3000, mounted: 3000, skipped: 0 } });
    expect(source.countRequests({ kind: "blob-get" })).toBe(2);
  });

  it("mounts from a target that the plan does not list, as that one has the blob", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 1000 });
    await target.seedBlob({ repository: "team/app", content: blob.content });
    const { copy, parts } = prepare(kit, source, target);

    await copy([planned(blob, [1])]);

    expect(parts).toMatchObject([{ target: 1, via: "mounted" }]);
  });

  it("stops the others at the first permanent failure, and has told what was finished", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const done = await source.seedBlob({ sizeBytes: 10 });
    const held = await source.seedBlob({ sizeBytes: 200_000 });
    const missing = await target.seedBlob({ repository: "elsewhere", sizeBytes: 300 });
    const never = await source.seedBlob({ sizeBytes: 400 });
    source.hold({ kind: "blob-get", digest: held.digest }, { sentBytes: 100_000 });
    const { copy, parts } = prepare(kit, source, target);

    const copying = copy([done, held, missing, never].map((blob) => planned(blob)));

    await expect(copying).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND" });
    expect(parts).toMatchObject([{ digest: done.digest }]);
    expect(source.countRequests({ digest: never.digest })).toBe(0);
    expect(target.openSessions()).toEqual([]);
  });

  it("brings the others before it throws a passing failure", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const failing = await source.seedBlob({ sizeBytes: 1000 });
    const other = await source.seedBlob({ sizeBytes: 2000 });
    source.addFault(fault("down", { digest: failing.digest }, async () => refusal(500, "UNKNOWN", "down")));
    const { copy, parts } = prepare(kit, source, target);

    await expect(copy([planned(failing), planned(other)])).rejects.toMatchObject({ retryable: true });
    expect(parts).toMatchObject([{ digest: other.digest }]);
  });

  it("ends with the longest wait that was asked for", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 1000 });
    const busy = async () => refusal(429, "TOOMANYREQUESTS", "later", { "retry-after": "99" });
    source.addFault(fault("busy", { kind: "blob-get" }, busy));
    const { copy } = prepare(kit, source, target);

    expect((await copy([planned(blob)])).end).toMatchObject({ kind: "wait", retryAfterSeconds: 99 });
  });

  it("begins nothing more when the process ends", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 1000 });
    const budget = { endsAt: Number.POSITIVE_INFINITY, stopping: AbortSignal.abort() };
    const { copy } = prepare(kit, source, target, { budget });

    expect((await copy([planned(blob)])).end).toMatchObject({ kind: "more" });
    expect(source.countRequests()).toBe(0);
  });
});
