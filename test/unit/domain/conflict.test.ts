import { describe, expect, it } from "vitest";
import { type ConflictQuestion, decideConflict, decideTag, type TargetState } from "../../../src/domain/conflict.ts";
import { digestNamed } from "./records.ts";

const planned = digestNamed("planned");
const other = digestNamed("other");
const at = { side: "target", registry: "prod.azurecr.io", stage: "resolve" } as const;
const tag = (name: string, digest: TargetState["digest"]): TargetState => ({ repository: "app", tag: name, digest });
const byDigest = (digest: TargetState["digest"]): TargetState => ({ repository: "mirror", digest });

const decide = (
  policy: ConflictQuestion["policy"],
  targets: readonly TargetState[],
  change: Partial<ConflictQuestion> = {},
) =>
  decideConflict({
    ...{ policy, trigger: "http", plannedDigest: planned, taggedDigest: undefined, targets, at },
    ...change,
  });

describe("decideConflict", () => {
  it.each<[string, ConflictQuestion["policy"], readonly TargetState[], string]>([
    ["a free tag under fail", "fail", [tag("1", undefined)], "proceed"],
    ["a taken tag under fail", "fail", [tag("1", undefined), tag("2", other)], "failed"],
    ["a tag with the same digest under fail", "fail", [tag("1", planned)], "failed"],
    ["a digest that is there already under fail", "fail", [byDigest(planned)], "proceed"],
    ["all tags the same under skipIfSame", "skipIfSame", [tag("1", planned), tag("2", planned)], "skip"],
    ["one tag missing under skipIfSame", "skipIfSame", [tag("1", planned), tag("2", undefined)], "proceed"],
    ["one tag different under skipIfSame", "skipIfSame", [tag("1", planned), tag("2", other)], "failed"],
    [
      "tags the same, but a repository without the digest",
      "skipIfSame",
      [tag("1", planned), byDigest(undefined)],
      "proceed",
    ],
    ["other tags under overwrite", "overwrite", [tag("1", other)], "proceed"],
    ["the same tags under overwrite", "overwrite", [tag("1", planned)], "proceed"],
  ])("%s", (_, policy, targets, kind) => {
    expect(decide(policy, targets).kind).toBe(kind);
  });

  it("skips what an event echoes, even under overwrite", () => {
    expect(decide("overwrite", [tag("1", planned)], { trigger: "eventGrid" }).kind).toBe("skip");
    expect(decide("overwrite", [tag("1", planned)], { trigger: "webhook" }).kind).toBe("skip");
    expect(decide("overwrite", [tag("1", other)], { trigger: "eventGrid" }).kind).toBe("proceed");
  });

  it.each<[string, readonly TargetState[], ConflictQuestion["taggedDigest"], string]>([
    [
      "takes a tag that an earlier attempt has put as its own",
      [tag("1", planned), tag("2", undefined)],
      planned,
      "proceed",
    ],
    ["refuses a tag that somebody else has put meanwhile", [tag("1", planned), tag("2", other)], planned, "failed"],
    ["refuses what an earlier attempt has put to what is no longer planned", [tag("1", other)], other, "failed"],
    ["refuses the planned digest where an earlier attempt has put another one", [tag("1", planned)], other, "failed"],
  ])("under fail %s", (_, targets, taggedDigest, kind) => {
    expect(decide("fail", targets, { taggedDigest }).kind).toBe(kind);
  });

  it("names the tag, its digest and the ways out", () => {
    const decision = decide("fail", [tag("1", other)]);

    expect(decision.kind === "failed" && decision.error.toWire()).toMatchObject({
      code: "TARGET_TAG_EXISTS",
      side: "target",
      registry: "prod.azurecr.io",
      digest: other,
      message: expect.stringContaining(`app:1 (${other})`),
      hint: expect.stringContaining("skipIfSame"),
    });
  });
});

describe("decideTag", () => {
  it.each([
    ["fail", planned, "done"],
    ["overwrite", planned, "done"],
    ["fail", undefined, "put"],
    ["overwrite", other, "put"],
    ["fail", other, "failed"],
    ["skipIfSame", other, "failed"],
  ] as const)("under %s a tag that holds %s is %s", (policy, digest, kind) => {
    expect(decideTag({ policy, plannedDigest: planned, target: tag("1", digest), at }).kind).toBe(kind);
  });
});
