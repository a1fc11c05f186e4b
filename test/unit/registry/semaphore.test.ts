import { describe, expect, it } from "vitest";
import { createSemaphore } from "../../../src/registry/semaphore.ts";

const never = new AbortController().signal;

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
