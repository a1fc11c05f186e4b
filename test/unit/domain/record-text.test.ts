import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addWarnings, fitError, maxErrorChars, maxWarningsChars } from "../../../src/domain/record-text.ts";
import { ImportError } from "../../../src/errors.ts";

describe("addWarnings", () => {
  it("keeps each warning once, in order, without secrets", () => {
    expect(addWarnings(["a"], ["b", "a", "see https://h/x?sig=1"])).toEqual(["a", "b", "see https://h/x"]);
  });

  it("says how many did not fit, and never grows beyond its bound", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 900 }), { maxLength: 60 }), (warnings) => {
        const kept = addWarnings([], warnings);
        expect(kept.join("").length).toBeLessThanOrEqual(maxWarningsChars);
      }),
    );
    const many = Array.from({ length: 50 }, (_, at) => `${at}`.padEnd(400, "x"));
    expect(addWarnings([], many).at(-1)).toMatch(/^and \d+ more$/);
  });
});

describe("fitError", () => {
  it("drops upstream errors that do not fit, and nothing else", () => {
    const upstream = Array.from({ length: 5 }, () => ({ code: '"'.repeat(100), message: '"'.repeat(300) }));
    const error = new ImportError({ code: "SOURCE_FORBIDDEN", what: "x".repeat(900), hint: "y".repeat(900), upstream });

    const fitted = fitError(error.toWire());

    expect(JSON.stringify(fitted).length).toBeLessThanOrEqual(maxErrorChars);
    expect(fitted.upstream?.length).toBeGreaterThan(0);
    expect({ ...fitted, upstream: [] }).toEqual({ ...error.toWire(), upstream: [] });
  });

  it("leaves a small error as it is", () => {
    const wire = new ImportError({ code: "CANCELLED", what: "x", upstream: [{ code: "A", message: "b" }] }).toWire();
    expect(fitError(wire)).toEqual(wire);
  });
});
