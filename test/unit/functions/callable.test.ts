import { describe, expect, it } from "vitest";
import { assertCallable, callableNames } from "../../../src/functions/orchestrators/callable.ts";
import { steps } from "../../../src/functions/steps.ts";

describe("the start-up check", () => {
  it("lets an app start that has registered everything orchestrators call", () => {
    expect(() => assertCallable(new Set(callableNames))).not.toThrow();
  });

  it("names what is not registered", () => {
    const registered = callableNames.filter((name) => name !== "importSlice" && name !== "copyBlobs");

    expect(() => assertCallable(new Set(registered))).toThrow(/copyBlobs, importSlice/);
  });

  it("knows every step by the name that histories hold", () => {
    for (const [key, { name }] of Object.entries(steps)) {
      expect(name).toBe(key);
      expect(callableNames).toContain(name);
    }
  });
});
