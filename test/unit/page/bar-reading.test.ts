import { describe, expect, it } from "vitest";
import { barTimeFormat, readBar } from "../../../src/page/parts/bar-reading.ts";

const times = [0, 1, 2].map((hour) => new Date(Date.UTC(2026, 2, 1, hour)));
const barSeconds = 3_600;
const clock = barTimeFormat(barSeconds);
const read = (countedSince: Date | undefined, at: number) =>
  readBar(
    {
      ...{ times, barSeconds, format: String, countedSince: countedSince ?? new Date(0) },
      series: [
        { name: "Succeeded", values: [0, 3, 0] },
        { name: "Failed", values: [0, 1, 0] },
      ],
    },
    at,
  ).replace(/^.+? to .+?: /, "");

describe("a bar", () => {
  it("is read with its time and each kind that it has any of", () => {
    const bars = { times, barSeconds, format: String, countedSince: new Date(0), series: [] };

    expect(readBar(bars, 0)).toBe(
      `${clock(new Date(Date.UTC(2026, 2, 1, 0)))} to ${clock(new Date(Date.UTC(2026, 2, 1, 1)))}: nothing`,
    );
    expect(read(undefined, 1)).toBe("Succeeded 3, Failed 1");
    expect(read(undefined, 2)).toBe("nothing");
  });

  it("says that nothing is known of it, and not zero, where it was not counted", () => {
    const since = new Date(Date.UTC(2026, 2, 1, 1, 30));

    expect(read(since, 0)).toBe("not counted");
    expect(read(since, 1)).toBe("Succeeded 3, Failed 1, not all counted");
    expect(read(since, 2)).toBe("nothing");
  });
});
