import fc from "fast-check";
import picomatch from "picomatch";
import { describe, expect, it } from "vitest";
import { mayOverlap, patternsOf } from "../../../src/domain/glob-overlap.ts";
import { createRegistries } from "../../../src/domain/registries.ts";
import { assertUsable, compileRule, type Pushed, ruleImportId } from "../../../src/domain/rule.ts";
import { assertNoSelfFeed, loopWarnings } from "../../../src/domain/rule-chains.ts";
import { ruleSchema } from "../../../src/domain/rule-schema.ts";
import { digestNamed, t0 } from "./records.ts";

const digest = digestNamed("pushed");
const settings = {
  defaultTarget: "prod.azurecr.io",
  registries: createRegistries([], undefined),
  registrySuffix: "azurecr.io",
  defaultConflict: "overwrite",
  defaultTimeoutSeconds: 60,
} as const;

interface RuleChanges {
  readonly name?: string;
  readonly source?: object;
  readonly target?: object;
  readonly enabled?: boolean;
  readonly [how: string]: unknown;
}

const aRule = ({ name = "one", source = {}, ...rest }: RuleChanges = {}) =>
  compileRule(
    ruleSchema.parse({ name, source: { registry: "dev", repositories: ["team/*"], ...source }, ...rest }),
    settings,
  );

interface Changes {
  readonly registry?: string;
  readonly repository?: string;
  readonly tag?: string | undefined;
}
const untagged: Changes = { tag: undefined };

/** A push; a tag that is `undefined` is left out. */
function push({ registry = "dev.azurecr.io", repository = "team/app", ...rest }: Changes = {}): Pushed {
  const { tag } = { tag: "v1.2", ...rest };
  return { registry, repository, digest, ...(tag === undefined ? {} : { tag }) };
}
const pushed = push();

describe("a rule", () => {
  it.each<[string, object, Changes, string | undefined]>([
    ["what fits", {}, {}, undefined],
    ["another registry", {}, { registry: "qa.azurecr.io" }, "registry"],
    ["another repository", {}, { repository: "other/app" }, "repository"],
    ["a tag that is included", { tags: { include: ["v*"] } }, {}, undefined],
    ["a tag that is excluded", { tags: { exclude: ["v*"] } }, {}, "tag v1.2"],
    ["a version out of range", { tags: { semver: ">=2" } }, {}, "tag v1.2"],
    ["no tag where all match", { tags: { include: ["*"] } }, untagged, undefined],
    ["no tag where some match", { tags: { include: ["v*"] } }, untagged, "no tag"],
  ])("decides about %s", (_, source, changes, reason) => {
    const found = aRule({ source }).mismatch(push(changes));

    expect(found).toEqual(reason === undefined ? undefined : expect.stringContaining(reason));
  });

  it("makes an import of the digest that was pushed, while its tag stands", () => {
    const rule = aRule({ target: { repository: "prod/{basename}", tag: "{tag}-ok" }, platforms: ["linux/amd64"] });

    expect(rule.toImport(pushed).spec).toMatchObject({
      source: { registry: "dev.azurecr.io", repository: "team/app", tag: "v1.2", digest },
      target: { registry: "prod.azurecr.io", tags: [{ repository: "prod/app", tag: "v1.2-ok" }] },
      ...{ conflict: "overwrite", whileTagged: true, platforms: [{ os: "linux", architecture: "amd64" }] },
    });
  });

  it("copies by digest what came without tag", () => {
    const { spec } = aRule().toImport(push(untagged));

    expect(spec.target).toMatchObject({ tags: [], untaggedRepositories: ["team/app"] });
    expect(spec).not.toHaveProperty("whileTagged");
  });

  it("gives the import of an event one id, and another to anything else", () => {
    const event = { ...pushed, occurredAt: t0, eventId: "1" };
    const other = { registry: event.registry, repository: event.repository, occurredAt: t0, eventId: "1" };
    const ids = [
      ruleImportId(aRule(), event),
      ruleImportId(aRule(), { ...event, eventId: "2" }),
      ruleImportId(aRule({ name: "two" }), event),
      ruleImportId(aRule(), { ...other, digest }),
      ruleImportId(aRule(), { ...event, digest: digestNamed("other") }),
      ruleImportId(aRule(), { ...event, occurredAt: new Date(t0.getTime() + 1) }),
      ruleImportId(aRule(), { ...other, tag: "1" }),
      ruleImportId(aRule(), { ...other, tag: "1", eventId: "2" }),
    ];

    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(7);
  });

  it("is refused for what no import may say", () => {
    expect(() => assertUsable(aRule({ sparseIndex: true }))).toThrow(/one: .*sparseIndex/);
  });
});

describe("a rule whose target is its source", () => {
  it("is found out at once, however many names its sets make", () => {
    const set = `{${Array.from({ length: 30 }, (_, at) => String.fromCharCode(97 + (at % 26))).join(",")}}`;
    const repositories = Array.from({ length: 100 }, () => set.repeat(4));

    expect(patternsOf(set.repeat(4))).toHaveLength(1);
    expect(() => assertNoSelfFeed(aRule({ source: { repositories }, target: same }))).toThrow(/its own source/);
  });

  const same = { registry: "dev" };
  it.each<[string, RuleChanges]>([
    ["the same names", { target: same }],
    ["the same repository by its last component", { target: { ...same, repository: "team/{basename}" } }],
    ["one repository", { source: { repositories: ["a"] }, target: { ...same, repository: "a" } }],
    ["names that grow", { source: { repositories: ["**"] }, target: { ...same, repository: "mirror/{repository}" } }],
    ["a tag among those that match", { target: { ...same, tag: "latest" } }],
    ["a prefix", { source: { repositories: ["team/"] }, target: { ...same, repository: "team/x/{basename}" } }],
  ])("is refused: %s", (_, changes) => {
    expect(() => assertNoSelfFeed(aRule(changes))).toThrow(/matches its own source/);
  });

  it.each<[string, RuleChanges]>([
    ["another registry", {}],
    ["another repository", { target: { ...same, repository: "prod/{basename}" } }],
    ["a deeper one", { target: { ...same, repository: "{repository}/copy" } }],
    ["a tag that does not match", { source: { tags: { include: ["v*"] } }, target: { ...same, tag: "prod-{tag}" } }],
    ["a tag that is excluded", { source: { tags: { exclude: ["prod-*"] } }, target: { ...same, tag: "prod-{tag}" } }],
    ["one tag that is excluded", { source: { tags: { exclude: ["latest"] } }, target: { ...same, tag: "latest" } }],
    ["a tag that is no version", { source: { tags: { semver: "*" } }, target: { ...same, tag: "r-{tag}" } }],
    [
      "a name that begins alike",
      { source: { repositories: ["dev/**"] }, target: { ...same, repository: "dev-mirror/{basename}" } },
    ],
  ])("is another matter: %s", (_, changes) => {
    expect(() => assertNoSelfFeed(aRule(changes))).not.toThrow();
  });
});

describe("loopWarnings", () => {
  const there = aRule({ name: "there" });
  const back = (changes: RuleChanges = {}) =>
    aRule({ name: "back", source: { registry: "prod" }, target: { registry: "dev" }, ...changes });

  it("names a loop of two rules, and what leads around it", () => {
    const [warning] = loopWarnings(there, [there, back()]);

    expect(warning).toContain("there → back → there");
    expect(warning).toContain("there writes prod.azurecr.io/team/*:*, which back takes");
  });

  it("finds a loop of three", () => {
    const on = aRule({ name: "on", source: { registry: "prod" }, target: { registry: "qa" } });
    const home = aRule({ name: "home", source: { registry: "qa" }, target: { registry: "dev" } });

    expect(loopWarnings(there, [on, home])).toEqual([expect.stringContaining("there → on → home → there")]);
  });

  it.each<[string, RuleChanges]>([
    ["does not come back", { target: { registry: "qa" } }],
    ["takes other repositories", { source: { registry: "prod", repositories: ["else/*"] } }],
    [
      "takes other tags",
      { source: { registry: "prod", tags: { include: ["x"] } }, target: { registry: "dev", repository: "y" } },
    ],
    ["is not enabled", { enabled: false }],
  ])("is silent about a rule that %s", (_, changes) => {
    expect(loopWarnings(there, [back(changes)])).toEqual([]);
  });
});

describe("mayOverlap", () => {
  const overlap = (one: string, other: string) =>
    patternsOf(one).some((a) => patternsOf(other).some((b) => mayOverlap(a, b)));

  it.each([
    ["team/*", "team/app", true],
    ["team/*", "team/a/b", false],
    ["team/**", "team", true],
    ["team/**", "teams/a", false],
    ["**/app", "app", true],
    ["team/**/****", "team", true],
    ["team/**//**", "team", true],
    ["a*c", "ab*", true],
    ["a*c", "b*", false],
    ["{a,b}/*", "b/x", true],
    ["v[0-9]?", "v12", true],
    ["*", "a/b", false],
  ])("of %s and %s: %s", (one, other, expected) => {
    expect([overlap(one, other), overlap(other, one)]).toEqual([expected, expected]);
  });

  it("never misses a text that a glob matches", () => {
    const piece = fc.constantFrom("a", "b", "*", "?", "/", "**", "{a,b}", "[ab]");
    const glob = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(""));
    const text = fc
      .array(fc.constantFrom("a", "b", "a/b"), { minLength: 1, maxLength: 3 })
      .map((pieces) => pieces.join("/"));
    fc.assert(
      fc.property(glob, text, (pattern, name) => {
        const matches = picomatch(pattern, { dot: true, nonegate: true, noextglob: true });
        if (matches(name)) expect(overlap(pattern, name)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });
});
