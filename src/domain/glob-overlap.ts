/**
 * What a glob may match, as text: literal characters, and the three that stand for others. In text form it can be put
 * into a template like a value.
 */
export type Pattern = string;

const one = "\uE001"; // any character but /
const some = "\uE002"; // any number of them
const all = "\uE003"; // any text

/** Whatever has no slash: any tag, any component of a path. */
export const anyComponent: Pattern = some;
export const anything: Pattern = all;

const maxPatterns = 200;

/** The patterns that together match what the glob matches, or more: sets count as any character. */
export function patternsOf(glob: string): readonly Pattern[] {
  const path = glob.replaceAll(/\/{2,}/g, "/"); // no name has an empty component, and stars beside one match as if it were not there
  const simple = expandBraces(path.endsWith("/") ? `${path}**` : path);
  const patterns = new Set(simple.flatMap(expandDoubleStars));
  return patterns.size > maxPatterns ? [all] : [...patterns];
}

/** The last component of what the pattern matches. */
export function basenameOf(pattern: Pattern): Pattern {
  const slash = pattern.lastIndexOf("/");
  const wide = pattern.lastIndexOf(all);
  return wide > slash ? some + pattern.slice(wide + 1) : pattern.slice(slash + 1);
}

/** Whether the pattern is one text. */
export function isLiteral(pattern: Pattern): boolean {
  return ![one, some, all].some((wild) => pattern.includes(wild));
}

/** The character that everything the pattern matches begins with, where there is one. */
export function firstOf(pattern: Pattern): string | undefined {
  const [first = one] = pattern;
  return isLiteral(first) ? first : undefined;
}

/** Whether there is a text that both match. */
export function mayOverlap(first: Pattern, second: Pattern): boolean {
  const seen = new Set<number>();
  const stack: [number, number][] = [[0, 0]];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const [i, j] = at;
    const place = i * (second.length + 1) + j;
    if (seen.has(place)) continue;
    seen.add(place);
    const [a, b] = [first[i], second[j]];
    if (a === undefined && b === undefined) return true;
    if (isStar(a)) stack.push([i + 1, j]);
    if (isStar(b)) stack.push([i, j + 1]);
    if (a !== undefined && b !== undefined && meet(a, b)) stack.push([isStar(a) ? i : i + 1, isStar(b) ? j : j + 1]);
  }
  return false;
}

/** Whether everything that the pattern matches is matched by `matches`, a glob; a guess that errs towards no. */
export function isCovered(pattern: Pattern, matches: (text: string) => boolean): boolean {
  const filler = "\uE004"; // what no literal of a glob matches
  const fill = (star: string) => pattern.replaceAll(one, filler).replaceAll(some, star).replaceAll(all, star);
  return ["", filler, filler.repeat(2)].every((star) => matches(fill(star)));
}

/** As a glob, for people. */
export function formatPattern(pattern: Pattern): string {
  return pattern.replaceAll(one, "?").replaceAll(some, "*").replaceAll(all, "**");
}

function isStar(token: string | undefined): boolean {
  return token === some || token === all;
}

function meet(a: string, b: string): boolean {
  if (a === all || b === all) return true;
  const isWild = (token: string) => token === one || token === some;
  if (isWild(a)) return b !== "/";
  return isWild(b) ? a !== "/" : a === b;
}

/** `{a,b}` as two globs; a range (`{1..9}`) as any text within a component. */
function expandBraces(glob: string): readonly string[] {
  const left = [glob];
  const plain: string[] = [];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const choices = expandFirst(next);
    if (choices === undefined) plain.push(next);
    else left.push(...choices);
    if (plain.length + left.length > maxPatterns) return ["**"]; // before several sets multiply
  }
  return plain;
}

/** What the first braces of a glob make of it; undefined: it has none. */
function expandFirst(glob: string): readonly string[] | undefined {
  const open = glob.indexOf("{");
  if (open < 0) return undefined;
  const parts: string[] = [];
  let depth = 0;
  let start = open + 1;
  for (let at = open; at < glob.length; at += 1) {
    const char = glob[at];
    if (char === "{") depth += 1;
    if (char === "}") depth -= 1;
    if ((char === "," && depth === 1) || depth === 0) {
      parts.push(glob.slice(start, at));
      start = at + 1;
    }
    if (depth === 0) break;
  }
  if (depth !== 0) return ["**"];
  const head = glob.slice(0, open);
  const choices = parts.length > 1 ? parts : ["*"];
  return [...new Set(choices)].map((part) => `${head}${part}${glob.slice(start)}`);
}

/** A `**` (or more stars) between slashes also stands for nothing at all, together with one of them. */
function expandDoubleStars(glob: string): readonly Pattern[] {
  const found = /(?:^|(?<=\/))\*{2,}(?=\/|$)/.exec(glob);
  if (found === null) return [toPattern(glob)];
  const [before, after] = [glob.slice(0, found.index), glob.slice(found.index + found[0].length)];
  const without = after.startsWith("/") ? before + after.slice(1) : before.replace(/\/$/, "");
  return [...expandDoubleStars(`${before}${all}${after}`), ...(without === "" ? [] : expandDoubleStars(without))];
}

function toPattern(glob: string): Pattern {
  return glob
    .replace(/\[[^\]]*\]/g, one)
    .replaceAll("?", one)
    .replace(/\*{2,}/g, all)
    .replaceAll("*", some);
}
