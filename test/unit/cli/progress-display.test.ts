import { describe, expect, it } from "vitest";
import { importViewSchema } from "../../../src/cli/api-records.ts";
import { cut, formatBar, formatTable } from "../../../src/cli/format-values.ts";
import { formatOutcome, formatProgressLine, formatSource, renderLive } from "../../../src/cli/progress-display.ts";
import { formatBytes, formatDuration } from "../../../src/domain/quantities.ts";
import { aRecord, ended } from "./fake-api.ts";

const view = (changes: Readonly<Record<string, unknown>> = {}) => importViewSchema.parse(aRecord(changes));
const MiB = 1024 * 1024;

describe("formatBytes", () => {
  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [1024 * 1024 - 1, "1.0 MiB"], // never "1024.0 KiB"
    [1.5 * 1024 ** 3, "1.5 GiB"],
    [3000 * 1024 ** 4, "3000.0 TiB"],
  ])("writes %i as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe("formatDuration", () => {
  it.each([
    [0, "0.0s"],
    [9.94, "9.9s"],
    [9.96, "10s"],
    [59.6, "1m 00s"],
    [65, "1m 05s"],
    [3599.7, "1h 00m"],
    [90_000, "25h 00m"],
  ])("writes %d seconds as %s", (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

describe("formatBar", () => {
  it("has its width at every fraction, even at nonsense", () => {
    const bars = [-1, 0, 0.5, 1, 7].map((fraction) => formatBar(fraction, 4));

    expect(bars).toEqual(["────", "────", "━━──", "━━━━", "━━━━"]);
  });
});

describe("formatTable", () => {
  it("aligns columns and leaves no blanks at the end of a line", () => {
    const rows = [
      ["ID", "STATE"],
      ["long-id", "x"],
      ["a", ""],
    ];

    expect(formatTable(rows)).toBe("ID       STATE\nlong-id  x\na\n");
  });
});

describe("renderLive", () => {
  it("shows reference, state, bar, bytes, rate, remaining time and counts", () => {
    expect(renderLive(view(), 100, 3)).toEqual([
      "Import 01ARZ3NDEKTSV4RRFFQ69G5FAV",
      "  docker.io/library/alpine:3.20 → prod.example/alpine:3.20",
      `  Copying     ${formatBar(0.25, 33)}   25%  25.0 MiB of 100.0 MiB  10.0 MiB/s  8.0s left`,
      "              blobs 2/6, manifests 1/4",
    ]);
  });

  it("shows how long it has been resolving while there is nothing to count", () => {
    const lines = renderLive(view({ state: "Resolving", progress: undefined }), 100, 3);

    expect(lines.at(-1)).toBe("  Resolving   3.0s");
  });

  it.each([200, 80, 40, 10, 1])("never fills a terminal of %i columns to its edge", (columns) => {
    const lines = renderLive(view({ target: { registry: "r", tags: ["x".repeat(200)] } }), columns, 3);

    for (const line of lines) expect(line.length).toBeLessThanOrEqual(Math.max(1, columns - 1));
  });

  it("counts what was read again while that is going on, and says so at the end", () => {
    const { progress } = view();
    const verified = { blobs: 4, bytes: 50 * MiB };

    const begun = formatProgressLine(view({ state: "Verifying" }));
    const line = formatProgressLine(view({ state: "Verifying", progress: { ...progress, verified } }));
    const outcome = formatOutcome(view({ ...ended, state: "Succeeded", progress: { ...progress, verified } }), "none");

    expect(begun).toBe("Verifying    0%  0 B of 100.0 MiB  (blobs 0/6 read again)");
    expect(line).toBe("Verifying   50%  50.0 MiB of 100.0 MiB  (blobs 4/6 read again)");
    expect(outcome).toContain("20.0 MiB copied, 5.0 MiB mounted, 50.0 MiB read again");
  });

  it("shows 100 % only when every byte is there", () => {
    const bytes = { total: 1000 * MiB, copied: 1000 * MiB - 1, mounted: 0, skipped: 0 };
    const { progress } = view();

    expect(formatProgressLine(view({ progress: { ...progress, bytes } }))).toContain(" 99%");
    expect(formatProgressLine(view({ progress: { ...progress, bytes: { ...bytes, copied: 1000 * MiB } } }))).toContain(
      "100%",
    );
  });
});

describe("formatOutcome", () => {
  it("names every target, the digest and the warnings", () => {
    const target = { registry: "prod.example", tags: ["a:1", "a:2"], untaggedRepositories: ["mirror/a"] };

    const text = formatOutcome(
      view({ ...ended, state: "Succeeded", target, warnings: ["foreign layer left out"] }),
      "none",
    );

    expect(text).toBe(
      [
        "Succeeded in 4.2s: 4 manifests, 6 blobs; 20.0 MiB copied, 5.0 MiB mounted",
        "  prod.example/a:1",
        "  prod.example/a:2",
        "  prod.example/mirror/a (untagged)",
        `  sha256:${"a".repeat(64)}`,
        "  warning: foreign layer left out",
        "",
      ].join("\n"),
    );
  });
});

describe("formatSource", () => {
  it("writes a digest behind @ and a tag behind a colon", () => {
    const source = { registry: "docker.io", repository: "library/alpine" };

    expect(formatSource({ source: { ...source, reference: "3.20" } })).toBe("docker.io/library/alpine:3.20");
    expect(formatSource({ source: { ...source, reference: "sha256:ab" } })).toBe("docker.io/library/alpine@sha256:ab");
  });
});

describe("cut", () => {
  it("marks what was cut", () => {
    expect(cut("abcdef", 4)).toBe("abc…");
    expect(cut("abcd", 4)).toBe("abcd");
  });
});
