import { describe, expect, it } from "vitest";
import { ImportError, scrub } from "../../src/errors.ts";

describe("scrub", () => {
  it.each([
    ["GET https://u:p@r.example/v2/ failed", "GET https://r.example/v2/ failed"],
    ["see https://r.example/blob?sig=abc&se=1 there", "see https://r.example/blob there"],
    ["sent Authorization: Bearer abcdefgh12345", "sent Authorization: Bearer [removed]"],
    ['{"password":"hunter2"}', '{"password [removed]"}'],
    ["two\r\nlines", "two lines"],
    ["tag team/app:1 at localhost:5000", "tag team/app:1 at localhost:5000"],
  ])("%s", (text, expected) => {
    expect(scrub(text)).toBe(expected);
  });
});

describe("ImportError", () => {
  it.each([
    ["words with dots", "a."],
    ["schemes without an end", "a://"],
    ["names of secrets", " token"],
  ])("takes no time over a long message of a registry: %s", (_, word) => {
    const message = word.repeat(16_000);
    const beganAt = performance.now();

    const { upstream } = new ImportError({
      ...{ code: "SOURCE_UNAVAILABLE", what: message },
      upstream: [{ code: message, message }],
    }).toWire();

    expect(upstream?.[0]?.message.length).toBeLessThanOrEqual(300);
    expect(performance.now() - beganAt).toBeLessThan(500);
  });
});
