import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createByteBudget } from "../../../src/transfer/byte-budget.ts";
import { createVerifyUnit, type VerifyContext } from "../../../src/transfer/verify-unit.ts";
import { failing } from "../../helpers/faults-any.ts";
import { corruptByte, truncateBody } from "../../helpers/faults-source.ts";
import { type SeededBlob, startRegistry, type TestRegistry } from "../../helpers/registry.ts";
import { createKit } from "./transfer-kit.ts";

let target: TestRegistry;
let kit: ReturnType<typeof createKit>;
beforeEach(async () => {
  [target, kit] = [await startRegistry(), createKit()];
});
afterEach(async () => {
  await kit[Symbol.asyncDispose]();
  await target.close();
});

const names = ["team/app", "team/other"] as const;
const seed = (sizeBytes: number, repository: string = names[0]) => target.seedBlob({ repository, sizeBytes });

/** Verifies blobs in the first repository, or in those that `at` names by position. */
async function verify(blobs: readonly SeededBlob[], more: Partial<VerifyContext> = {}, at: readonly number[] = [0]) {
  const verified: string[] = [];
  const context: VerifyContext = {
    targets: names.map((name) => kit.repository(target, "target", name)),
    isVerified: () => false,
    budget: kit.budget(),
    onProgress: () => {},
    onVerified: ({ target: position, digest }) => verified.push(`${position} ${digest}`),
    ...more,
  };
  const reader = { rangeBytes: 1024, buffers: createByteBudget(0), now: kit.clock.now, sleep: kit.clock.sleep };
  const planned = blobs.map(({ digest, sizeBytes }) => ({ digest, sizeBytes, targets: [...at] }));
  const verifyUnit = createVerifyUnit({ reader, after: kit.clock.after, parallelBlobs: 2 });
  const outcome = await verifyUnit({ n: 0, blobs: planned }, context, new AbortController().signal).catch(
    (thrown: unknown) => thrown,
  );
  return { outcome, verified };
}

describe("verifyUnit", () => {
  it("reads each blob in every repository that it is for", async () => {
    const blob = await seed(3_000);
    await seed(3_000, names[1]);

    const { outcome, verified } = await verify([blob], {}, [0, 1]);

    expect(outcome).toEqual({ kind: "verified" });
    expect(verified.sort()).toEqual([`0 ${blob.digest}`, `1 ${blob.digest}`]);
    expect(target.countRequests({ kind: "blob-get" })).toBe(2);
  });

  it("tells how many bytes it has read, of all blobs together", async () => {
    const [one, other] = [await seed(1_000), await seed(2_000)];
    const read: number[] = [];

    await verify([one, other], { onProgress: (bytes) => read.push(bytes) });

    expect(read).toEqual(read.toSorted((a, b) => a - b));
    expect(read.at(-1)).toBe(3_000);
  });

  it("does not read again what an earlier call has verified", async () => {
    const [one, other] = [await seed(1_000), await seed(2_000)];

    const { outcome, verified } = await verify([one, other], { isVerified: (_, digest) => digest === one.digest });

    expect(outcome).toEqual({ kind: "verified" });
    expect(verified).toEqual([`0 ${other.digest}`]);
    expect(target.countRequests({ digest: one.digest })).toBe(0);
  });

  it("tells all faults of a unit, and what was right beside them", async () => {
    const [damaged, missing, right] = [await seed(1_000), await seed(2_000, "elsewhere"), await seed(3_000)];
    target.addFault(corruptByte({ digest: damaged.digest, atBytes: 10 }));

    const { outcome, verified } = await verify([damaged, missing, right]);

    expect(outcome).toMatchObject({
      kind: "faulty",
      faults: expect.arrayContaining([
        expect.objectContaining({
          digest: damaged.digest,
          error: expect.objectContaining({ code: "TARGET_CONTENT_CORRUPT" }),
        }),
        expect.objectContaining({
          digest: missing.digest,
          error: expect.objectContaining({ code: "TARGET_CONTENT_MISSING" }),
        }),
      ]),
    });
    expect(verified).toEqual([`0 ${right.digest}`]);
  });

  it("takes a blob for corrupt that breaks off whenever it is read", async () => {
    const blob = await seed(3_000);
    target.addFault(truncateBody({ digest: blob.digest, afterBytes: 100 }));

    const { outcome } = await verify([blob]);

    expect(outcome).toMatchObject({
      kind: "faulty",
      faults: [{ digest: blob.digest, error: { code: "TARGET_CONTENT_CORRUPT" } }],
    });
    expect(kit.clock.sleeps).toEqual([250, 500, 1_000]);
  });

  it("reads on where a connection broke once", async () => {
    const blob = await seed(3_000);
    target.addFault(truncateBody({ digest: blob.digest, afterBytes: 1_000, times: 1 }));

    expect((await verify([blob])).outcome).toEqual({ kind: "verified" });
  });

  it("throws when the target cannot be asked: that says nothing of the blob", async () => {
    const blob = await seed(3_000);
    target.addFault(failing({ kind: "blob-get", status: 503 }));

    expect((await verify([blob])).outcome).toMatchObject({ code: "TARGET_UNAVAILABLE", retryable: true });
  });

  it("begins nothing more when the budget is over, and asks to be called again", async () => {
    const blob = await seed(3_000);

    const { outcome, verified } = await verify([blob], { budget: kit.budget(-1) });

    expect(outcome).toEqual({ kind: "more" });
    expect(verified).toEqual([]);
    expect(target.countRequests()).toBe(0);
  });

  it("ends with its budget also while no byte comes", async () => {
    const blob = await seed(3_000);
    const { reached, release } = target.hold({ kind: "blob-get" }, "answer");

    const verifying = verify([blob]);
    await reached;
    kit.clock.skip(240_000);

    expect(await verifying).toEqual({ outcome: { kind: "more" }, verified: [] });
    release();
  });

  it("tells what is wrong rather than that time is over", async () => {
    const [missing, late] = [await seed(2_000, "elsewhere"), await seed(3_000)];
    const controller = new AbortController();
    const { reached, release } = target.hold({ kind: "blob-get", digest: late.digest }, "request");
    const verifying = verify([missing, late], {
      budget: { endsAt: Number.POSITIVE_INFINITY, stopping: controller.signal },
    });

    await reached;
    controller.abort();
    release();

    expect((await verifying).outcome).toMatchObject({ kind: "faulty", faults: [{ digest: missing.digest }] });
  });
});
