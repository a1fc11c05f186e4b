import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nameTarget, namingSchema } from "../../../src/domain/naming.ts";
import {
  createRepositoryMatcher,
  createTagMatcher,
  newestTags,
  olderThan,
  repositoryGlobsSchema,
  tagSelectionSchema,
} from "../../../src/domain/selector.ts";
import { anyRepository, anyTag } from "./arbitraries.ts";

describe("createRepositoryMatcher", () => {
  it.each([
    ["team/app", ["team/app"], ["team/app2", "team", "team/app/x"]],
    ["team/*", ["team/app"], ["team/a/b", "team", "other/app"]],
    ["team/**", ["team/app", "team/a/b"], ["teams/app", "team"]],
    ["team/", ["team/app", "team/a/b"], ["teams/app", "team"]],
    ["**", ["a", "a/b/c"], []],
    ["*", ["a"], ["a/b"]],
    ["**/app", ["app", "a/app", "a/b/app"], ["a/app2"]],
    ["{a,b}/app-?", ["a/app-1", "b/app-2"], ["c/app-1", "a/app-10"]],
    ["app-[0-9]", ["app-1"], ["app-x"]],
  ])("%s", (glob, matched, others) => {
    const matches = createRepositoryMatcher([glob]);

    expect(matched.filter(matches)).toEqual(matched);
    expect(others.filter(matches)).toEqual([]);
  });

  it("takes every name for itself, and within every prefix and ** glob of it", () => {
    fc.assert(
      fc.property(anyRepository(), anyRepository(), (repository, above) => {
        expect(createRepositoryMatcher([repository])(repository)).toBe(true);
        expect(createRepositoryMatcher([`${above}/`])(`${above}/${repository}`)).toBe(true);
        expect(createRepositoryMatcher(["**"])(repository)).toBe(true);
      }),
    );
  });
});

describe("repositoryGlobsSchema", () => {
  it.each([
    "Team/app",
    "a b",
    "a\\b",
    "[a",
    "{a",
    "",
    "*a*b*c*d*e*",
    "{a,aa}{a,aa}{a,aa}{a,aa}{a,aa}",
    "(a+)+b*",
    "[a]+",
    "a|b*",
    "team/app:1",
    "-",
  ])("refuses %j", (glob) => {
    expect(repositoryGlobsSchema.safeParse([glob]).success).toBe(false);
  });

  it("takes what each example of it is", () => {
    expect(repositoryGlobsSchema.safeParse(["team/app", "team/*", "team/", "**", "{a,b}/*", "a?"]).success).toBe(true);
  });
});

describe("createTagMatcher", () => {
  it("lets all tags through without conditions", () => {
    fc.assert(
      fc.property(anyTag(), (tag) => {
        expect(createTagMatcher({})(tag)).toBe(true);
      }),
    );
  });

  it("lets exclude win", () => {
    fc.assert(
      fc.property(anyTag(), (tag) => {
        expect(createTagMatcher({ include: [tag], exclude: ["*"] })(tag)).toBe(false);
      }),
    );
  });

  it.each([
    [">=1.2", ["1.2", "v1.2.0", "1.10", "2"], ["1.1.9", "latest", "1.2.0-rc.1"]],
    ["^1.2", ["1.2.3", "v1.9"], ["2.0", "1.1"]],
    [">=1.2.0-0 <1.3", ["1.2.0-alpine", "1.2.5"], ["1.3.0"]],
  ])("by semver %s", (semver, matched, others) => {
    const matches = createTagMatcher({ semver });

    expect(matched.filter(matches)).toEqual(matched);
    expect(others.filter(matches)).toEqual([]);
  });

  it("refuses what is no range", () => {
    expect(tagSelectionSchema.safeParse({ semver: ">=one" }).success).toBe(false);
  });
});

describe("newestTags", () => {
  it("goes by versions, then by natural order", () => {
    const tags = ["latest", "1.9", "1.10", "v1.10.1", "1.10.1-rc.1", "build-9", "build-10"];

    expect(newestTags(tags, 10)).toEqual(["v1.10.1", "1.10.1-rc.1", "1.10", "1.9", "latest", "build-10", "build-9"]);
  });

  it("has one order whatever the list's, and can be cut anywhere", () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyTag(), { maxLength: 30 }), fc.nat(30), (tags, count) => {
        const sorted = newestTags(tags, tags.length);
        const last = sorted[count - 1];

        expect(newestTags(tags.toReversed(), tags.length)).toEqual(sorted);
        expect(newestTags(tags, count)).toEqual(sorted.slice(0, count));
        if (last !== undefined) expect(olderThan(sorted, last)).toEqual(sorted.slice(count));
      }),
    );
  });

  it("of parts gives the newest of the whole", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(anyTag(), { maxLength: 30 }),
        fc.nat(30),
        fc.integer({ min: 1, max: 5 }),
        (tags, at, count) => {
          const first = newestTags(tags.slice(0, at), count);

          expect(newestTags([...first, ...tags.slice(at)], count)).toEqual(newestTags(tags, count));
        },
      ),
    );
  });
});

describe("nameTarget", () => {
  it("names a target after its source by default", () => {
    fc.assert(
      fc.property(anyRepository(), anyTag(), (repository, tag) => {
        expect(nameTarget(namingSchema.parse({}), { repository, tag })).toEqual({ repository, tag });
      }),
    );
  });

  it.each(["Prod/{repository}", "{repo}", "{repository", "a//b", "{tag}:{tag}"])(
    "refuses the template %s at once",
    (repository) => {
      expect(namingSchema.safeParse({ repository }).success).toBe(false);
    },
  );
});
