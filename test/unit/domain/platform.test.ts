import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assertPlatformsFound, formatPlatform, matchesPlatform, parsePlatform } from "../../../src/domain/platform.ts";
import { attempt, refusal } from "./refusal.ts";

const at = { side: "source", registry: "docker.io", stage: "resolve" } as const;

describe("parsePlatform", () => {
  it.each([
    ["linux/amd64", { os: "linux", architecture: "amd64" }],
    ["Linux/ARM64/v8", { os: "linux", architecture: "arm64", variant: "v8" }],
    ["linux/x86_64", { os: "linux", architecture: "amd64" }],
    ["linux/aarch64", { os: "linux", architecture: "arm64" }],
    ["windows/amd64:10.0.17763.5936", { os: "windows", architecture: "amd64", osVersion: "10.0.17763.5936" }],
  ])("reads %s", (text, platform) => {
    expect(parsePlatform(text)).toEqual(platform);
  });

  it.each(["", "linux", "linux/", "/amd64", "linux/arm/v7/x", "linux amd64", "linux/amd64:", "linux/am d64"])(
    "refuses %j",
    (text) => {
      const error = refusal(() => parsePlatform(text, "platforms[0]"));
      expect(error.toWire()).toMatchObject({ code: "INVALID_REQUEST", property: "platforms[0]" });
    },
  );

  it("parses back every platform it formats, and throws nothing but INVALID_REQUEST", () => {
    const word = fc.oneof(fc.constantFrom("linux", "arm", "v7", "10.0.1", ""), fc.string());
    const text = fc
      .tuple(fc.array(word, { maxLength: 4 }), fc.option(word, { nil: undefined }))
      .map(([words, version]) => `${words.join("/")}${version === undefined ? "" : `:${version}`}`);
    fc.assert(
      fc.property(text, (given) => {
        const platform = attempt(() => parsePlatform(given));
        if (platform instanceof Error) expect(platform.code).toBe("INVALID_REQUEST");
        else expect(parsePlatform(formatPlatform(platform))).toEqual(platform);
      }),
    );
  });
});

describe("matchesPlatform", () => {
  it.each([
    ["linux/arm64", "linux/arm64/v8", true],
    ["linux/arm64/v8", "linux/arm64", true],
    ["linux/arm64", "linux/arm64/v9", false],
    ["linux/arm", "linux/arm/v6", true],
    ["linux/arm/v7", "linux/arm/v6", false],
    ["linux/arm/v7", "linux/arm", true],
    ["linux/amd64", "windows/amd64:10.0.17763.1", false],
    ["windows/amd64", "windows/amd64:10.0.17763.1", true],
    ["windows/amd64:10.0.17763", "windows/amd64:10.0.17763.1", true],
    ["windows/amd64:10.0.17763.1", "windows/amd64", true],
    ["windows/amd64:10.0.1", "windows/amd64:10.0.17763.1", false],
    ["linux/amd64", "linux/386", false],
  ])("says of %s and %s: %s", (wanted, actual, expected) => {
    expect(matchesPlatform(parsePlatform(wanted), parsePlatform(actual))).toBe(expected);
  });
});

describe("assertPlatformsFound", () => {
  it("says what is missing and what there is, attestations apart", () => {
    const available = ["linux/amd64", "linux/arm64/v8", "unknown/unknown"].map((text) => parsePlatform(text));

    const error = refusal(() =>
      assertPlatformsFound([parsePlatform("linux/amd64"), parsePlatform("linux/s390x")], available, at),
    );

    expect(error.toWire()).toMatchObject({ code: "PLATFORM_NOT_FOUND", side: "source", registry: "docker.io" });
    expect(error.message).toContain("no linux/s390x");
    expect(error.toWire().hint).toBe("it has linux/amd64, linux/arm64/v8");
  });

  it("is content with a single image of the platform", () => {
    expect(() =>
      assertPlatformsFound([parsePlatform("linux/arm64")], [parsePlatform("linux/arm64/v8")], at),
    ).not.toThrow();
  });

  it("says so when the image names no platform", () => {
    expect(refusal(() => assertPlatformsFound([parsePlatform("linux/arm64")], [], at)).message).toContain(
      "no platform at all",
    );
  });
});
