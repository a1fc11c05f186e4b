import { definedOnly, ImportError } from "../errors.ts";
import { createImportId, type ImportId } from "./import-id.ts";
import { type ParsedImportRequest, parseImportRequest, type RequestSettings } from "./import-request.ts";
import { parseRegistry } from "./import-target.ts";
import { nameTarget } from "./naming.ts";
import { formatReference } from "./reference.ts";
import type { PushEvent } from "./registry-event.ts";
import type { Rule } from "./rule-schema.ts";
import { createRepositoryMatcher, createTagMatcher, type TagFilter } from "./selector.ts";

/** What was pushed where. */
export type Pushed = Pick<PushEvent, "registry" | "repository" | "tag" | "digest">;

/** A rule with its names looked up and its patterns compiled. */
export interface CompiledRule {
  readonly rule: Rule;
  readonly sourceRegistry: string;
  readonly targetRegistry: string;
  /** Why the push is not meant by the rule; undefined: it is. */
  readonly mismatch: (pushed: Pushed) => string | undefined;
  /** The import that the push causes. Throws INVALID_REFERENCE when its name does not fit the templates. */
  readonly toImport: (pushed: Pushed) => ParsedImportRequest;
}

/** Throws INVALID_REFERENCE for a registry that is none, INVALID_REQUEST where there is no target. */
export function compileRule(rule: Rule, settings: RequestSettings): CompiledRule {
  const sourceRegistry = parseRegistry(rule.source.registry, "source.registry", settings);
  const targetRegistry = targetOf(rule, settings);
  const matchesRepository = createRepositoryMatcher(rule.source.repositories);
  const matchesTag = createTagMatcher(rule.source.tags);
  return {
    rule,
    sourceRegistry,
    targetRegistry,
    mismatch: ({ registry, repository, tag }) => {
      if (registry !== sourceRegistry) return `the registry is ${registry}, the rule is for ${sourceRegistry}`;
      if (!matchesRepository(repository)) return `repository ${repository} matches none of source.repositories`;
      if (tag === undefined) return takesAll(rule.source.tags) ? undefined : "it has no tag, and source.tags wants one";
      return matchesTag(tag) ? undefined : `tag ${tag} does not pass source.tags`;
    },
    toImport: (pushed) => {
      const { name: _name, enabled: _enabled, source: _source, target, ...how } = rule;
      const named = nameTarget(target, { repository: pushed.repository, tag: pushed.tag });
      const { tag, digest } = pushed;
      const parsed = parseImportRequest(
        {
          ...how,
          source: formatReference({
            registry: sourceRegistry,
            repository: pushed.repository,
            ...definedOnly({ tag, digest }),
          }),
          target: targetRegistry,
          ...(named.tag === undefined
            ? { untaggedTargetRepositories: [named.repository] }
            : { targetTags: [`${named.repository}:${named.tag}`] }),
        },
        settings,
      );
      return tag === undefined ? parsed : { ...parsed, spec: { ...parsed.spec, whileTagged: true } };
    },
  };
}

/** The id of the import that a push causes by a rule: every delivery of the event has the same. */
export function ruleImportId({ rule }: CompiledRule, event: PushEvent): ImportId {
  const { registry, repository, tag, digest, eventId, occurredAt } = event;
  // Without a digest the time alone, in whole seconds, would not tell two pushes apart.
  return createImportId(occurredAt, JSON.stringify([rule.name, registry, repository, tag ?? null, digest ?? eventId]));
}

const samples = ["sample", "sample/repository"].map((repository) => ({ repository, tag: "sample" }));

/** Throws the error of a rule that cannot make an import of anything. */
export function assertUsable({ rule, sourceRegistry, toImport }: CompiledRule): void {
  const errors: unknown[] = [];
  for (const sample of samples) {
    try {
      toImport({ registry: sourceRegistry, ...sample });
      return;
    } catch (thrown) {
      errors.push(thrown);
    }
  }
  const [first] = errors;
  if (!(first instanceof ImportError)) throw first;
  const { property, hint } = first.toWire();
  throw new ImportError({
    code: first.code,
    stage: "accept",
    what: `${rule.name}: ${first.message}`,
    ...definedOnly({ property }),
    ...(hint !== undefined && !first.message.includes(hint) && { hint }),
  });
}

/** Whether the filter lets every tag through. */
function takesAll({ include = ["*"], exclude = [], semver }: TagFilter): boolean {
  return semver === undefined && exclude.length === 0 && include.some((glob) => glob === "*" || glob === "**");
}

function targetOf({ target }: Rule, settings: RequestSettings): string {
  if (target.registry !== undefined) return parseRegistry(target.registry, "target.registry", settings);
  if (settings.defaultTarget !== undefined) return settings.defaultTarget;
  throw new ImportError({
    code: "INVALID_REQUEST",
    stage: "accept",
    property: "target.registry",
    what: "target.registry: is missing",
    hint: "name the target registry, or have the operator set DEFAULT_TARGET",
  });
}
