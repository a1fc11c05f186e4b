import { describe, expect, it } from "vitest";
import type { ImportPlan } from "../../../src/domain/import-plan.ts";
import { joinRepairs, withRepair } from "../../../src/domain/repair.ts";
import { digestNamed } from "./records.ts";

const aUnit = (n: number, name: string) => ({ n, blobs: [{ digest: digestNamed(name), sizeBytes: 10, targets: [0] }] });
const aPlan = (more: Partial<ImportPlan> = {}): ImportPlan => ({
  ...{ v: 1, kind: "copy", units: [], large: [], levels: [] },
  ...more,
});
const levels = (...names: readonly (readonly string[])[]) => names.map((level) => level.map(digestNamed));

describe("joinRepairs", () => {
  it("numbers the units of all steps anew: a number names the row of a unit", () => {
    const joined = joinRepairs([aPlan({ units: [aUnit(0, "a"), aUnit(1, "b")] }), aPlan({ units: [aUnit(0, "c")] })]);

    expect(joined.units.map(({ n }) => n)).toEqual([0, 1, 2]);
    expect(joined.units.flatMap(({ blobs }) => blobs.map(({ digest }) => digest))).toEqual(
      ["a", "b", "c"].map(digestNamed),
    );
  });

  it("publishes nothing before what it refers to, however deep each repair is", () => {
    const deep = aPlan({ levels: levels(["grandchild"], ["child"], ["index"]) });
    const flat = aPlan({ levels: levels(["other index"]) });

    expect(joinRepairs([deep, flat]).levels).toEqual(levels(["grandchild"], ["child"], ["index", "other index"]));
    expect(joinRepairs([flat, deep]).levels).toEqual(levels(["grandchild"], ["child"], ["other index", "index"]));
  });

  it("publishes a manifest once that two steps have found missing", () => {
    expect(joinRepairs([aPlan({ levels: levels(["a"]) }), aPlan({ levels: levels(["a"]) })]).levels).toEqual(
      levels(["a"]),
    );
  });

  it("reads again only where that was asked for", () => {
    const verify = [aUnit(0, "a")];

    expect(joinRepairs([aPlan(), aPlan()])).not.toHaveProperty("verify");
    expect(joinRepairs([aPlan({ verify }), aPlan()]).verify).toEqual(verify);
  });
});

describe("withRepair", () => {
  it("puts the repair before what is left of the plan", () => {
    const left = aPlan({ levels: levels(["index"]), verify: [aUnit(3, "unread")] });
    const repair = aPlan({ units: [aUnit(0, "lost")], levels: levels(["child"]), verify: [aUnit(0, "lost")] });

    expect(withRepair(left, repair)).toEqual({
      ...aPlan({ units: [aUnit(0, "lost")], levels: levels(["child"], ["index"]) }),
      verify: [aUnit(3, "unread"), aUnit(0, "lost")],
    });
  });
});
