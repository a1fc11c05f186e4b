import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatChunkRange, formatRange, isUploadRangeAt, parseContentRange } from "../../../src/registry/http-range.ts";

describe("parseContentRange", () => {
  it("reads back what a server writes for the range that was asked for", () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 2 ** 40 }), fc.nat(), (startBytes, lengthBytes, restBytes) => {
        const endBytes = startBytes + lengthBytes;
        const totalBytes = endBytes + restBytes;
        const asked = formatRange({ startBytes, endBytes }).replace("bytes=", "bytes ");

        expect(parseContentRange(`${asked}/${totalBytes}`)).toEqual({ startBytes, endBytes, totalBytes });
      }),
    );
  });

  it("leaves the total open where the server does", () => {
    expect(parseContentRange("bytes 5-9/*")).toEqual({ startBytes: 5, endBytes: 10, totalBytes: undefined });
  });

  it.each([undefined, "", "bytes */10", "items 0-9/10", "bytes 9-0/10", "bytes 0-10/10", "bytes 0-9", "multipart"])(
    "finds nothing in %s",
    (header) => {
      expect(parseContentRange(header)).toBeUndefined();
    },
  );
});

describe("formatRange", () => {
  it("asks to the end when there is none", () => {
    expect(formatRange({ startBytes: 7 })).toBe("bytes=7-");
  });
});

describe("formatChunkRange", () => {
  it("writes neither unit nor total, which ACR refuses", () => {
    expect(formatChunkRange(100, 50)).toBe("100-149");
  });
});

describe("isUploadRangeAt", () => {
  it.each([
    ["0-99", 100, true],
    ["0-99", 50, false],
    ["0-49", 100, false],
    ["bytes=0-99", 100, true],
    ["0-0", 0, true],
    ["0-0", 1, true],
    ["0-0", 100, false],
    ["garbled", 100, false],
    [undefined, 100, true],
  ])("takes %s at %i as %s", (header, offsetBytes, fits) => {
    expect(isUploadRangeAt(header, offsetBytes)).toBe(fits);
  });
});
