import { ImportError } from "../errors.ts";
import {
  anyComponent,
  anything,
  basenameOf,
  firstOf,
  formatPattern,
  isCovered,
  isLiteral,
  mayOverlap,
  type Pattern,
  patternsOf,
} from "./glob-overlap.ts";
import type { CompiledRule } from "./rule.ts";
import { createTagMatcher, type TagFilter } from "./selector.ts";

/** A place that a rule may write to. */
interface Output {
  readonly repository: Pattern;
  readonly tag: Pattern;
}

/** Throws INVALID_REQUEST for a rule whose own imports, coming back as events, it would import again. */
export function assertNoSelfFeed(rule: CompiledRule): void {
  const output = findFeed(rule, rule);
  if (output === undefined) return;
  throw new ImportError({
    code: "INVALID_REQUEST",
    stage: "accept",
    property: "target",
    what: `target: what is written to ${formatOutput(rule, output)} matches its own source`,
    hint: "take another registry, repository or tag as target, or exclude the target's tags by source.tags.exclude",
  });
}

const maxWarnings = 5;

/** Loops of several enabled rules that go through `rule`, in words. Patterns are compared, so that some may never run. */
export function loopWarnings(rule: CompiledRule, others: readonly CompiledRule[]): readonly string[] {
  const rest = others.filter((other) => other.rule.enabled && other.rule.name !== rule.rule.name);
  const warnings: string[] = [];
  for (const next of rest) {
    if (warnings.length === maxWarnings) break;
    if (findFeed(rule, next) === undefined) continue;
    const way = shortestWay(next, rule, rest);
    if (way !== undefined) warnings.push(inWords([rule, ...way]));
  }
  return warnings;
}

/** From `start` to what feeds `goal`, both ends of the loop in it; breadth first. */
function shortestWay(
  start: CompiledRule,
  goal: CompiledRule,
  rules: readonly CompiledRule[],
): readonly CompiledRule[] | undefined {
  const seen = new Set([start]);
  let ways: readonly (readonly CompiledRule[])[] = [[start]];
  while (ways.length > 0) {
    const longer: (readonly CompiledRule[])[] = [];
    for (const way of ways) {
      const last = way.at(-1);
      if (last === undefined) continue;
      if (findFeed(last, goal) !== undefined) return [...way, goal];
      for (const next of rules) {
        if (seen.has(next) || findFeed(last, next) === undefined) continue;
        seen.add(next);
        longer.push([...way, next]);
      }
    }
    ways = longer;
  }
  return undefined;
}

function inWords(loop: readonly CompiledRule[]): string {
  const names = loop.map(({ rule }) => rule.name).join(" → ");
  const steps = loop.slice(0, -1).flatMap((rule, at) => {
    const next = loop[at + 1];
    const output = next && findFeed(rule, next);
    return output ? [`${rule.rule.name} writes ${formatOutput(rule, output)}, which ${next.rule.name} takes`] : [];
  });
  return (
    `the rules ${names} may form a loop: ${steps.join("; ")}. ` +
    "It stops where a target holds the digest already, and does not where names or platforms change on the way"
  );
}

/** Something that `from` may write and `to` would import. */
function findFeed(from: CompiledRule, to: CompiledRule): Output | undefined {
  if (from.targetRegistry !== to.sourceRegistry) return undefined;
  const taken = to.rule.source.repositories.flatMap(patternsOf);
  const outputs = outputsOf(from);
  const compared = outputs.length * taken.length > maxPairs ? [anyOutput] : outputs;
  return compared.find(
    ({ repository, tag }) =>
      taken.some((pattern) => mayOverlap(pattern, repository)) && mayTake(to.rule.source.tags, tag),
  );
}

const maxOutputs = 2_000;
/** Comparisons of one rule with one other; above that all that can be said is that it may write anything. */
const maxPairs = 500_000;
const anyOutput: Output = { repository: anything, tag: anyComponent };

function outputsOf({ rule: { source, target } }: CompiledRule): readonly Output[] {
  const repositories = source.repositories.flatMap(patternsOf);
  const tags = (source.tags.include ?? ["*"]).flatMap(patternsOf);
  if (repositories.length * tags.length > maxOutputs) return [anyOutput];
  return repositories.flatMap((repository) =>
    tags.map((tag) => {
      const values = { repository, tag, basename: basenameOf(repository) };
      return { repository: fill(target.repository, values), tag: fill(target.tag, values) };
    }),
  );
}

function fill(template: string, values: Readonly<Record<string, Pattern>>): Pattern {
  return template.replaceAll(/\{([^{}]*)\}/g, (_, name: string) => values[name] ?? anything);
}

function mayTake(filter: TagFilter, tag: Pattern): boolean {
  if (isLiteral(tag)) return createTagMatcher(filter)(tag);
  const { include = ["*"], exclude = [], semver } = filter;
  if (semver !== undefined && !/[v0-9]/.test(firstOf(tag) ?? "v")) return false; // no version begins so
  if (!include.flatMap(patternsOf).some((pattern) => mayOverlap(pattern, tag))) return false;
  return !exclude.some((glob) => isCovered(tag, createTagMatcher({ include: [glob] })));
}

function formatOutput({ targetRegistry }: CompiledRule, { repository, tag }: Output): string {
  return `${targetRegistry}/${formatPattern(repository)}:${formatPattern(tag)}`;
}
