import { describe, expect, it } from "vitest";
import { marksTo, topOf } from "../../../src/page/parts/bar-scale.ts";

describe("the scale of a chart", () => {
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];

  it("ends at a mark above the tallest bar, with two to four marks above zero", () => {
    const badly = Array.from({ length: 20_000 }, (_, tallest) => tallest).filter((tallest) => {
      const top = topOf(tallest, steps);
      const marks = marksTo(top, steps);
      return top <= tallest || marks.at(-1) !== top || marks.length < 3 || marks.length > 5;
    });

    expect(badly).toEqual([]);
  });

  it("goes on in its largest steps for what is taller than anybody foresaw", () => {
    expect(topOf(71_000, steps)).toBe(75_000);
  });
});
