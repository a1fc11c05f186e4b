import { describe, expect, it } from "vitest";
import { createRefusals } from "../../../src/registry/refusals.ts";

function startRefusals(maxWaitSeconds = 60) {
  let nowMs = 0;
  const refusals = createRefusals({ maxWaitSeconds, elapsedMs: () => nowMs });
  const goOnAfter = (ms: number) => {
    nowMs += ms;
    return refusals.goOn("all", refusals.answers());
  };
  return { ...refusals, goOnAfter };
}

describe("refusals that last", () => {
  it("make a pause once for all who give up in one wave", () => {
    const { goOnAfter } = startRefusals();

    expect([0, 0, 9_999, 1].map(goOnAfter)).toEqual([10_000, 0, 0, 20_000]);
  });

  it("never make a pause that is too long to be waited for in place", () => {
    const { goOnAfter } = startRefusals(15);

    expect([0, 60_000, 60_000].map(goOnAfter)).toEqual([10_000, 15_000, 15_000]);
  });

  it("make none where somebody was answered since the first try, by the same key", () => {
    const { goOn, answers, end } = startRefusals();
    const before = answers();

    end("read|somebody");

    expect(goOn("read|somebody", before)).toBe(0);
    expect(goOn("all", before)).toBe(10_000);
  });

  it("are over with an answer, and forgotten when nobody has asked for ten minutes", () => {
    const { goOnAfter, end, last } = startRefusals();

    goOnAfter(0);
    end("all");
    expect(last("all")).toBe(false);
    expect(goOnAfter(0)).toBe(10_000);
    expect(goOnAfter(10_000 + 600_000)).toBe(10_000);
  });
});
