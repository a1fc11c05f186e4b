import { describe, expect, it } from "vitest";
import { createLog } from "../../../src/functions/log.ts";

function logLine(fields: Readonly<Record<string, unknown>>): string {
  const lines: string[] = [];
  createLog((line) => lines.push(line))("activity-failed", fields);
  return lines.join("");
}

describe("a log line", () => {
  it("is JSON with the event and its fields, codes too", () => {
    const line = logLine({ code: "SOURCE_NOT_FOUND", ms: 12, key: "value", digest: undefined });

    expect(line.endsWith("\n")).toBe(true);
    expect(JSON.parse(line)).toEqual({ event: "activity-failed", code: "SOURCE_NOT_FOUND", ms: 12, key: "value" });
  });

  it("holds no secret, and stays JSON without it", () => {
    const line = logLine({
      message: 'GET https://u:p@x.example/a?sig=abc failed, "password": "hunter2"',
      n: { t: "Bearer abcdefghij" },
    });

    expect(line).not.toMatch(/sig=|hunter2|u:p@|abcdefghij/);
    expect(JSON.parse(line)).toMatchObject({ message: expect.stringContaining("x.example") });
  });
});
