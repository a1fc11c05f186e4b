import { describe, expect, it } from "vitest";
import { type Delivery, judgeAnswer, nextDeliveryStep } from "../../../src/domain/event-delivery.ts";

const waits = [5, 30, 120];
const failed = (retryAfterSeconds?: number): Delivery => ({ kind: "failed", reason: "why", retryAfterSeconds });

describe("what becomes of an event", () => {
  it("waits longer after each failure, and is dead after the last wait", () => {
    const steps = [1, 2, 3, 4].map((attempt) => nextDeliveryStep(failed(), attempt, waits));

    expect(steps).toEqual([
      ...waits.map((waitSeconds) => ({ kind: "again", waitSeconds, reason: "why" })),
      { kind: "dead", reason: "why" },
    ]);
  });

  it("waits as long as the sink asks, though no longer than a day", () => {
    expect(nextDeliveryStep(failed(60.2), 1, waits)).toMatchObject({ waitSeconds: 61 });
    expect(nextDeliveryStep(failed(1), 2, waits)).toMatchObject({ waitSeconds: 30 });
    expect(nextDeliveryStep(failed(1e9), 1, waits)).toMatchObject({ waitSeconds: 86_400 });
  });

  it("is dead at once when it was refused", () => {
    expect(nextDeliveryStep({ kind: "refused", reason: "why" }, 1, waits)).toEqual({ kind: "dead", reason: "why" });
  });

  it("is done when it was delivered", () => {
    expect(nextDeliveryStep({ kind: "delivered" }, 1, waits)).toEqual({ kind: "done" });
  });
});

describe("an answer", () => {
  it.each([200, 201, 202, 204])("of %i takes the event", (status) => {
    expect(judgeAnswer("h", status, undefined)).toEqual({ kind: "delivered" });
  });

  it.each([400, 401, 403, 410, 413, 415])("of %i is final", (status) => {
    expect(judgeAnswer("h", status, 5)).toEqual({ kind: "refused", reason: `h answered ${status}` });
  });

  it.each([302, 404, 408, 425, 429, 500, 503])("of %i may change", (status) => {
    const delivery = judgeAnswer("h", status, 5);

    expect(delivery).toEqual({ kind: "failed", reason: `h answered ${status}`, retryAfterSeconds: 5 });
  });
});
