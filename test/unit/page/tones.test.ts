import { describe, expect, it } from "vitest";
import { importLookOf, promotionLookOf } from "../../../src/page/tones.ts";

describe("how states look", () => {
  it("is neutral for one that a newer service has brought", () => {
    const states = JSON.parse('["Quarantined", "toString"]');

    for (const state of states)
      for (const look of [importLookOf(state), promotionLookOf(state)])
        expect(look).toEqual({ tone: "neutral", hasEnded: false });
  });

  it("is its own for one that is known", () => {
    expect(importLookOf("Succeeded")).toEqual({ tone: "good", hasEnded: true });
  });
});
