import { describe, expect, it } from "vitest";
import { createBriefCache } from "../../../src/functions/brief-cache.ts";

function createScene(maxEntries = 10) {
  let nowMs = 0;
  let asked = 0;
  const cached = createBriefCache<number>({ now: () => new Date(nowMs), freshMs: 2_000, maxEntries });
  return {
    look: (key: string) =>
      cached(key, async () => {
        asked += 1;
        return asked;
      }),
    cached,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe("the brief cache", () => {
  it("asks once for all who want the same within its time, and again after it", async () => {
    const { look, pass } = createScene();

    expect(await Promise.all([look("a"), look("a"), look("b")])).toEqual([1, 1, 2]);
    pass(1_999);
    expect(await look("a")).toBe(1);
    pass(1);
    expect(await look("a")).toBe(3);
  });

  it("does not keep a failure", async () => {
    const { cached, look } = createScene();
    await expect(cached("a", () => Promise.reject(new Error("storage is down")))).rejects.toThrow("down");

    expect(await look("a")).toBe(1);
  });

  it("forgets what was asked longest ago", async () => {
    const { look } = createScene(2);
    for (const key of ["a", "b", "c"]) await look(key);

    expect(await look("c")).toBe(3);
    expect(await look("a")).toBe(4);
  });
});
