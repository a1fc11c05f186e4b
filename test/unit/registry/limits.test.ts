import { describe, expect, it } from "vitest";
import { ImportError } from "../../../src/errors.ts";
import { createHostLimits, createSemaphore } from "../../../src/registry/limits.ts";
import { createFakeClock, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;
const place = { side: "source", registry: "r.example", stage: "copy" } as const;

describe("createSemaphore", () => {
  it("hands permits out in the order they were asked for", async () => {
    const semaphore = createSemaphore(1);
    const order: number[] = [];
    const first = await semaphore.acquire(never);
    const others = [1, 2, 3].map(async (number) => {
      const release = await semaphore.acquire(never);
      order.push(number);
      release();
    });

    first();
    await Promise.all(others);

    expect(order).toEqual([1, 2, 3]);
  });

  it("lets an aborted waiter leave the queue without losing a permit", async () => {
    const semaphore = createSemaphore(1);
    const aborter = new AbortController();
    const held = await semaphore.acquire(never);
    const gone = semaphore.acquire(aborter.signal);
    const next = semaphore.acquire(never);

    aborter.abort(new Error("cancelled"));
    held();

    await expect(gone).rejects.toThrow("cancelled");
    await expect(next).resolves.toBeTypeOf("function");
  });

  it("takes a permit back once only", async () => {
    const semaphore = createSemaphore(1);
    const release = await semaphore.acquire(never);
    release();
    release();
    await semaphore.acquire(never);
    const aborter = new AbortController();
    const second = semaphore.acquire(aborter.signal);

    aborter.abort(new Error("still taken"));

    await expect(second).rejects.toThrow("still taken");
  });
});

describe("createHostLimits", () => {
  const create = () => {
    const clock = createFakeClock();
    return { clock, limits: createHostLimits({ requestsPerHost: 2, maxWaitSeconds: 60, ...clock }) };
  };

  it("holds back the paused class and no other", async () => {
    const { clock, limits } = create();
    limits.pause("write", 5_000);

    await limits.enter("read", place, never);
    const sleptForRead = [...clock.sleeps];
    await limits.enter("write", place, never);

    expect(sleptForRead).toEqual([]);
    expect(clock.sleeps).toEqual([5_000]);
  });

  it("holds back everything while the host is paused", async () => {
    const { clock, limits } = create();
    limits.pause("all", 3_000);

    await limits.enter("read", place, never);

    expect(clock.sleeps).toEqual([3_000]);
  });

  it("keeps the longer of two pauses", async () => {
    const { clock, limits } = create();
    limits.pause("read", 9_000);
    limits.pause("read", 1_000);

    await limits.enter("read", place, never);

    expect(clock.sleeps).toEqual([9_000]);
  });

  it("throws a pause that is too long to be waited for, and gives the place back", async () => {
    const { clock, limits } = create();
    limits.pause("read", 90_500);

    const errors = [];
    for (let count = 0; count < 3; count += 1) errors.push(await thrownBy(() => limits.enter("read", place, never)));
    clock.advance(90_500);
    await limits.enter("read", place, never);

    expect(errors.every((error) => error instanceof ImportError)).toBe(true);
    expect(errors[2]).toMatchObject({ code: "SOURCE_RATE_LIMITED", retryable: true, retryAfterSeconds: 91 });
    expect(clock.sleeps).toEqual([]);
  });

  it("lets a download that is held open not keep an upload from starting", async () => {
    const { limits } = create();
    await limits.enter("read", place, never);
    await limits.enter("read", place, never);

    await expect(limits.enter("write", place, never)).resolves.toBeTypeOf("function");
  });
});
