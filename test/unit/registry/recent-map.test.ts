import { expect, it } from "vitest";
import { createRecentMap } from "../../../src/registry/recent-map.ts";

it("drops what was neither read nor written for longest", () => {
  const map = createRecentMap<number>(2);
  map.set("a", 1);
  map.set("b", 2);

  map.get("a");
  map.getOrCreate("c", () => 3);

  expect([...map.entries()]).toEqual([
    ["a", 1],
    ["c", 3],
  ]);
  expect(map.get("b")).toBeUndefined();
});

it("makes a value once while it is kept", () => {
  const map = createRecentMap<object>(2);

  const made = map.getOrCreate("a", () => ({}));

  expect(map.getOrCreate("a", () => ({}))).toBe(made);
});
