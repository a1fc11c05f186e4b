import { describe, expect, it } from "vitest";
import { describePromotion, sharesOf } from "../../../src/page/promotions.ts";

const trigger = { kind: "http" } as const;

describe("what a promotion is called", () => {
  it.each([
    [{ source: { registry: "docker.io", repositories: ["team/*", "lib/a"] } }, "docker.io/team/*, lib/a"],
    [
      { source: { registry: "docker.io", repositories: ["team/*"] }, target: { registry: "prod.azurecr.io" } },
      "docker.io/team/* → prod.azurecr.io",
    ],
    [{}, "A list of images"],
    [undefined, "A list of images"],
    [{ source: "docker.io/library/alpine" }, "A list of images"],
  ])("follows from its request %j", (request, name) => {
    expect(describePromotion({ request, trigger })).toBe(name);
  });

  it("tells of the schedule that began it", () => {
    expect(describePromotion({ request: {}, trigger: { kind: "schedule", ref: "nightly" } })).toBe(
      "A list of images (schedule nightly)",
    );
  });
});

it("the shares of a promotion are all of its items", () => {
  const counts = { pending: 1, queued: 2, succeeded: 4, skipped: 8, failed: 16, cancelled: 32, total: 63 };

  expect(sharesOf({ counts }).reduce((total, { count }) => total + count, 0)).toBe(counts.total);
});
