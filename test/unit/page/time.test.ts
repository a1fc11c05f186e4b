import { describe, expect, it } from "vitest";
import { formatShort } from "../../../src/page/parts/time.tsx";

describe("a time in short", () => {
  const now = new Date(2026, 10, 29, 14, 3, 55);
  const clock = /^0?2:03\sPM$|^14:03$/;

  it("has neither day nor seconds where it is today", () => {
    expect(formatShort(new Date(2026, 10, 29, 14, 3, 1), now)).toMatch(clock);
  });

  it("has its day where that is another one, and its year where that is not this one", () => {
    const yesterday = formatShort(new Date(2026, 10, 28, 14, 3), now);
    const lastYear = formatShort(new Date(2025, 10, 29, 14, 3), now);

    expect(yesterday).toContain("28");
    expect(yesterday).not.toContain("2026");
    expect(lastYear).toContain("2025");
  });
});
