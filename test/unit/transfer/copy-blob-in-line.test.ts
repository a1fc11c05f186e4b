import { describe, expect, it } from "vitest";
import { MiB } from "../../../src/descriptor.ts";
import type { Fault } from "../../helpers/faults.ts";
import { hangUp, loseAnswer } from "../../helpers/faults-any.ts";
import { truncateBody } from "../../helpers/faults-source.ts";
import { refuseMount } from "../../helpers/faults-target.ts";
import { startRegistry, type TestRegistry } from "../../helpers/registry.ts";
import { chunky, createKit, expectNothingOpen, holds, type KitOptions } from "./transfer-kit.ts";

const copied = { kind: "done", via: "copied" };

/** Seeds blobs whose first download breaks off after 1 MiB. */
async function seedBreaking(registry: TestRegistry, count: number) {
  const sizes = Array.from({ length: count }, (_, number) => 2 * MiB + number);
  const blobs = await Promise.all(sizes.map((sizeBytes) => registry.seedBlob({ sizeBytes })));
  for (const { digest } of blobs) registry.addFault(truncateBody({ digest, afterBytes: MiB, times: 1 }));
  return blobs;
}

describe("copyBlob, when more blobs travel than a host takes requests", () => {
  it.each<readonly [string, KitOptions]>([
    ["as one PUT", {}],
    ["in chunks", chunky],
  ])("ends all of them %s where every download breaks off once", async (_, options) => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit({ ...options, perHost: 1 });
    const blobs = await seedBreaking(source, 4);

    const outcomes = await Promise.all(blobs.map((blob) => kit.copy(source, target, blob)));

    expect(outcomes).toMatchObject(blobs.map(() => copied));
    expect(await Promise.all(blobs.map((blob) => holds(target, blob)))).toEqual(blobs.map(() => true));
  });

  it.each<readonly [string, string, KitOptions]>([
    ["one PUT", "its budget ends", {}],
    ["one PUT", "the process ends", {}],
    ["chunks", "its budget ends", chunky],
    ["chunks", "the process ends", chunky],
  ])("begins none as %s that still waits to be read when %s", async (_, end, options) => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit({ ...options, perHost: 1 });
    const [first, second] = [
      await source.seedBlob({ sizeBytes: 8 * MiB }),
      await source.seedBlob({ sizeBytes: 2 * MiB }),
    ];
    const reading = source.hold({ kind: "blob-get", digest: first.digest }, { sentBytes: 2 * MiB });
    const copyingFirst = kit.copy(source, target, first, { budget: kit.budget(7_200_000) });
    await reading.reached;
    const stop = new AbortController();

    const copyingSecond = kit.copy(source, target, second, { budget: { ...kit.budget(), stopping: stop.signal } });
    await new Promise(setImmediate); // it stands in line
    if (end === "the process ends") stop.abort();
    else kit.clock.skip(240_000);

    expect(await copyingSecond).toEqual({ kind: "more", hasProgressed: true });
    reading.release();
    expect(await copyingFirst).toMatchObject(copied);
    expect(target.countRequests({ kind: "upload-start" })).toBe(1);
    await expectNothingOpen(source, target);
  });

  it("ends all of them between two repositories of one host", async () => {
    await using registry = await startRegistry({ faults: [refuseMount({ status: 403 })] });
    await using kit = createKit({ perHost: 1 });
    const blobs = await seedBreaking(registry, 4);

    const outcomes = await Promise.all(blobs.map((blob) => kit.copy(registry, registry, blob)));

    expect(outcomes).toMatchObject(blobs.map(() => copied));
  });

  it("ends all of them where the host serves its tokens itself", async () => {
    const auth = { kind: "bearer", users: {}, anonymous: "all", endpoint: "same-port" } as const;
    await using registry = await startRegistry({ auth, faults: [refuseMount({ status: 403 })] });
    await using kit = createKit({ perHost: 1 });
    const blobs = await seedBreaking(registry, 2);

    const outcomes = await Promise.all(blobs.map((blob) => kit.copy(registry, registry, blob)));

    expect(registry.tokenRequests.length).toBeGreaterThan(1);
    expect(outcomes).toMatchObject(blobs.map(() => copied));
  });

  it.each<readonly [string, Fault, KitOptions]>([
    ["whether the blob has arrived", loseAnswer({ times: 1 }), {}],
    ["how much of a blob has arrived", hangUp({ kind: "upload-patch", from: 2, times: 1 }), chunky],
  ])("asks the host itself %s while it still reads the blob there", async (_, breaking, options) => {
    await using registry = await startRegistry({ faults: [refuseMount({ status: 403 }), breaking] });
    await using kit = createKit({ ...options, perHost: 1 });
    const blob = await registry.seedBlob({ sizeBytes: 4 * MiB });

    const outcome = await kit.copy(registry, registry, blob);

    expect(outcome).toMatchObject(copied);
  });

  it("ends all of them in both directions at once", async () => {
    await using one = await startRegistry();
    await using other = await startRegistry();
    await using kit = createKit({ perHost: 1 });
    const [there, back] = [await seedBreaking(one, 3), await seedBreaking(other, 3)];

    const outcomes = await Promise.all([
      ...there.map((blob) => kit.copy(one, other, blob)),
      ...back.map((blob) => kit.copy(other, one, blob)),
    ]);

    expect(outcomes).toMatchObject(outcomes.map(() => copied));
  });
});
