import { describe, expect, it } from "vitest";
import { importIdSchema } from "../../../src/domain/import-id.ts";
import { type ErrorCode, ImportError } from "../../../src/errors.ts";
import { describePromotion, groupByCode, sharesOf } from "../../../src/page/promotions.ts";

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

describe("the failures of a promotion", () => {
  const failure = (item: string, what: string, hint: string, code: ErrorCode = "SOURCE_NOT_FOUND") => ({
    item,
    importId: importIdSchema.parse("ZYBQCM29XYFKQY561C5AC8ZVDN"),
    error: new ImportError({ code, what, hint }).toWire(),
  });

  it("stand by code, with what is to be done once and each with its own image", () => {
    const groups = groupByCode([
      failure("0", "a:1 is not there", "check the tag"),
      failure("1", "no space", "raise the quota", "TARGET_QUOTA_EXCEEDED"),
      failure("2", "b:1 is not there", "check the tag"),
    ]);

    expect(groups.map(({ code, hint, failures }) => [code, hint, failures.map(({ text }) => text)])).toEqual([
      ["SOURCE_NOT_FOUND", "check the tag", ["a:1 is not there", "b:1 is not there"]],
      ["TARGET_QUOTA_EXCEEDED", "raise the quota", ["no space"]],
    ]);
  });

  it("keep their own hints where those differ", () => {
    const [group] = groupByCode([failure("0", "a", "do this"), failure("1", "b", "do that")]);

    expect(group).toMatchObject({ hint: undefined, failures: [{ text: "a; do this" }, { text: "b; do that" }] });
  });
});

it("the shares of a promotion are all of its items", () => {
  const counts = { pending: 1, queued: 2, succeeded: 4, skipped: 8, failed: 16, cancelled: 32, total: 63 };

  expect(sharesOf({ counts }).reduce((total, { count }) => total + count, 0)).toBe(counts.total);
});
