import { describe, expect, it } from "vitest";
import { ImportError, scrub } from "../../src/errors.ts";

describe("scrub", () => {
  it.each([
    ["GET https://u:p@r.example/v2/ failed", "GET https://r.example/v2/ failed"],
    ["see https://r.example/blob?sig=abc&se=1 there", "see https://r.example/blob there"],
    ["sent Authorization: Bearer abcdefgh12345", "sent Authorization: Bearer [removed]"],
    ['{"password":"hunter2"}', '{"password [removed]"}'],
    ["two\r\nlines", "two lines"],
    ["red\u001b[31m and gone\u009b2J", "red [31m and gone 2J"],
    ["\u202emoved\u2066 around\u200f", " moved  around "],
    ["pass\u202cword=hunter2", "pass word=hunter2"],
    ["tag team/app:1 at localhost:5000", "tag team/app:1 at localhost:5000"],
  ])("%s", (text, expected) => {
    expect(scrub(text)).toBe(expected);
  });
});

describe("ImportError", () => {
  it("lets nothing that a registry says turn around or hide what follows", () => {
    const said = "denied \u202e\u001b[8m";

    const { message, upstream, hint } = new ImportError({
      ...{ code: "SOURCE_FORBIDDEN", what: `refused (${said})`, hint: "check source.credentials" },
      upstream: [{ code: said, message: said }],
    }).toWire();

    expect(message).toBe("refused (denied  [8m); check source.credentials");
    expect(upstream).toEqual([{ code: "denied  [8m", message: "denied  [8m" }]);
    expect(hint).toBe("check source.credentials");
  });

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
