import picomatch from "picomatch";
import semver from "semver";
import { z } from "zod";
import { digestSchema } from "../digest.ts";
import { repositorySchema } from "./reference.ts";

const maxPatterns = 100;
const maxPatternChars = 300;

/**
 * Matching backtracks: on 255 characters a fifth wildcard makes minutes of the second that the worst of four takes.
 * Sets count too: `{a,aa}` can match a text in as many ways as `*`.
 */
const maxWildcards = 4;
/** What names hold, and what globs add to it. The matcher would take ( ) | + as those of a regular expression: `(a+)+b`. */
const globChars = /^[A-Za-z0-9._/*?[\]{},!^-]+$/;

const globSchema = z
  .string()
  .min(1)
  .max(maxPatternChars)
  .refine((text) => globChars.test(text) && isGlob(text), "is no glob (*, **, ?, {a,b}, [a-z])")
  .refine(
    (text) => (text.match(/\*+|\{/g) ?? []).length <= maxWildcards,
    `has more than ${maxWildcards} wildcards * and sets {}`,
  );

/**
 * Names of repositories, or globs for them: `*` stays within one path component, `**` crosses them; `team/` at the end is
 * a prefix.
 */
export const repositoryGlobsSchema = z
  .array(globSchema.refine((text) => isPattern(text) || isRepositoryName(text), "is neither a repository nor a glob"))
  .min(1)
  .max(maxPatterns);

/** It names one repository: whether there is such a one needs no list of them. */
export function isRepositoryName(text: string): boolean {
  return repositorySchema.safeParse(text).success;
}

const rangeSchema = z
  .string()
  .max(maxPatternChars)
  .refine((text) => semver.validRange(text) !== null, "is no semver range, e.g. >=1.2 <2");

/** Which tags: all that one of `include` and none of `exclude` matches, within `semver` if it is given. */
export const tagFilterSchema = z.strictObject({
  include: z.array(globSchema).min(1).max(maxPatterns).optional().describe("Globs. Default: all tags."),
  exclude: z.array(globSchema).max(maxPatterns).optional().describe("Globs; they win over include."),
  semver: rangeSchema
    .optional()
    .describe("A range, e.g. >=1.2. A leading v is ignored, 1.2 counts as 1.2.0, other tags do not match."),
});
export type TagFilter = Readonly<z.infer<typeof tagFilterSchema>>;

/** Which tags of a list: those that the filter lets through, then the newest or those of one digest. */
export const tagSelectionSchema = tagFilterSchema.extend({
  newest: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe("Per repository only that many, those of the highest version first."),
  digest: digestSchema.optional().describe("Only tags that name this digest now."),
});
export type TagSelection = Readonly<z.infer<typeof tagSelectionSchema>>;

/** Whether a repository is meant by globs as {@link repositoryGlobsSchema} takes them. */
export function createRepositoryMatcher(globs: readonly string[]): (repository: string) => boolean {
  const matchers = globs.map((glob) => picomatch(withinPrefix(glob), globOptions));
  return (repository) => matchers.some((matches) => matches(repository));
}

/** Whether a tag passes the filter. */
export function createTagMatcher({
  include = ["*"],
  exclude = [],
  semver: range,
}: TagFilter): (tag: string) => boolean {
  const isIncluded = picomatch([...include], globOptions);
  const isExcluded = exclude.length === 0 ? () => false : picomatch([...exclude], globOptions);
  return (tag) => {
    if (!isIncluded(tag) || isExcluded(tag)) return false;
    if (range === undefined) return true;
    const version = versionOf(tag);
    return version !== undefined && semver.satisfies(version, range);
  };
}

/**
 * The `count` newest tags, newest first. A registry's list says nothing of time, so versions decide (semver precedence);
 * tags that are none come after them, in descending natural order (`build-10` before `build-9`).
 */
export function newestTags(tags: readonly string[], count: number): readonly string[] {
  const known = tags.map(toAged);
  return known
    .toSorted(byAge)
    .slice(0, count)
    .map(({ tag }) => tag);
}

/** Those of `tags` that come after `tag` in the order of {@link newestTags}, whether it is among them or not. */
export function olderThan(tags: readonly string[], tag: string): readonly string[] {
  const limit = toAged(tag);
  return tags.filter((one) => byAge(toAged(one), limit) > 0);
}

interface AgedTag {
  readonly tag: string;
  readonly version: string | undefined;
}

function toAged(tag: string): AgedTag {
  return { tag, version: versionOf(tag) };
}

/** A total order: tags that count as one version, like v1 and 1.0, come in descending order of their texts. */
function byAge(one: AgedTag, other: AgedTag): number {
  if (one.version && other.version) return semver.rcompare(one.version, other.version) || natural(one.tag, other.tag);
  if (one.version || other.version) return one.version ? -1 : 1;
  return natural(one.tag, other.tag);
}

const globOptions = { dot: true, nocase: false, nonegate: true, noextglob: true, strictBrackets: true } as const;
const collator = new Intl.Collator("en", { numeric: true });

function natural(one: string, other: string): number {
  return collator.compare(other, one) || (one < other ? 1 : one > other ? -1 : 0); // to the collator 01 is 1
}

/** `v1.2` and `1.2` count as 1.2.0; the rest of a tag (`1.2.3-alpine`) is a pre-release, as semver has it. */
function versionOf(tag: string): string | undefined {
  const [, major, minor = "0", patch = "0", rest = ""] =
    /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?((?:[-+][0-9A-Za-z.+-]+)?)$/.exec(tag) ?? [];
  return (major && semver.valid(`${major}.${minor}.${patch}${rest}`)) || undefined;
}

/** What is meant by `team/` and `team/**` is what is below it: a repository `team` is another. */
function withinPrefix(glob: string): string {
  return glob.replace(/\/(?:\*\*)?$/, "/**/*");
}

/** It has something of a glob, or is a prefix. */
function isPattern(text: string): boolean {
  return /[*?[\]{}]/.test(text) || text.endsWith("/");
}

function isGlob(text: string): boolean {
  try {
    picomatch(text, globOptions);
    return true;
  } catch {
    return false;
  }
}
