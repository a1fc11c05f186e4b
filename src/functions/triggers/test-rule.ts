import { z } from "zod";
import { digestSchema } from "../../digest.ts";
import type { RequestSettings } from "../../domain/import-request.ts";
import type { ImportSpec } from "../../domain/import-spec.ts";
import { parseRegistry } from "../../domain/import-target.ts";
import { formatReference, repositorySchema, tagSchema } from "../../domain/reference.ts";
import { readRegistryEvent } from "../../domain/registry-event.ts";
import { type CompiledRule, compileRule, type Pushed } from "../../domain/rule.ts";
import { loopWarnings } from "../../domain/rule-chains.ts";
import type { TestRuleAnswer } from "../../domain/rule-test.ts";
import { definedOnly, ImportError } from "../../errors.ts";
import type { Rules } from "../../store/rules.ts";
import { type HttpHandler, json } from "./http-answer.ts";
import { readJsonBody } from "./read-body.ts";
import { readShape } from "./read-shape.ts";
import { assertMayBe, type RulesDeps, readRule, readRuleBody, readRuleName, ruleBodySchema } from "./rules.ts";

export interface TestRuleDeps {
  readonly rules: Pick<Rules, "read" | "list">;
  readonly settings: RequestSettings;
  /** Throws HOST_NOT_ALLOWED. */
  readonly assertAllowed: (spec: ImportSpec) => void;
  readonly assertHosts: RulesDeps["assertHosts"];
}

/** Body of `POST /api/rules/{name}/test`. */
export const testRuleBodySchema = z
  .strictObject({
    rule: ruleBodySchema.optional().describe("Judged in place of the stored rule, and not stored."),
    event: z.record(z.string(), z.unknown()).optional().describe("An event as Event Grid delivers it; or:"),
    registry: z.string().min(1).max(300).optional().describe("Default: the rule's source."),
    repository: repositorySchema.optional(),
    tag: tagSchema.optional(),
    digest: digestSchema.optional(),
  })
  .refine(
    ({ rule: _, event, ...told }) => (event === undefined) !== (Object.keys(told).length === 0),
    "give either event, or repository, tag and digest",
  )
  .refine(({ event, repository }) => event !== undefined || repository !== undefined, "repository: is missing")
  .refine(
    ({ event, tag, digest }) => event !== undefined || tag !== undefined || digest !== undefined,
    "give tag or digest",
  )
  .meta({ id: "RuleTest", description: "A push that is only supposed." });

/**
 * `POST /api/rules/{name}/test`: whether a push would match, and to what. Starts nothing, stores nothing and asks no
 * registry. A rule in the body is refused for what `PUT` refuses it for, by the same names of properties.
 */
export function createTestRule({ rules, settings, assertAllowed, assertHosts }: TestRuleDeps): HttpHandler {
  return async (request) => {
    const name = readRuleName(request);
    const given = await readJsonBody(request);
    const draft = draftSchema.safeParse(given).data?.rule;
    const rule = draft === undefined ? (await readRule(rules, name)).rule : readRuleBody(name, draft);
    const compiled = compileRule(rule, settings);
    if (draft !== undefined) assertMayBe(compiled, assertHosts);
    const body = readShape(testRuleBodySchema, given, "the body");
    const others = (await rules.list()).flatMap((stored) => tryCompile(stored.rule, settings));
    const warnings = [
      ...(rule.enabled ? [] : ["the rule is not enabled: no event starts anything by it"]),
      ...loopWarnings(compiled, others),
    ];
    const answer: TestRuleAnswer = {
      ...outcomeOf(compiled, toPushed(body, compiled, settings), assertAllowed),
      warnings,
    };
    return json(200, answer);
  };
}

const draftSchema = z.looseObject({ rule: z.unknown() });
type RuleTest = z.infer<typeof testRuleBodySchema>;

function toPushed(body: RuleTest, { sourceRegistry }: CompiledRule, settings: RequestSettings): Pushed | string {
  const { event, registry, repository = "", tag, digest } = body;
  if (event !== undefined) {
    const told = readRegistryEvent(event, settings);
    return told.kind === "push" ? told.event : told.reason;
  }
  const host = registry === undefined ? sourceRegistry : parseRegistry(registry, "registry", settings);
  return { registry: host, repository, ...definedOnly({ tag, digest }) };
}

function outcomeOf(
  rule: CompiledRule,
  pushed: Pushed | string,
  assertAllowed: TestRuleDeps["assertAllowed"],
): Omit<TestRuleAnswer, "warnings"> {
  const reason = typeof pushed === "string" ? pushed : rule.mismatch(pushed);
  if (typeof pushed === "string" || reason !== undefined) return { matches: false, ...definedOnly({ reason }) };
  try {
    const { spec } = rule.toImport(pushed);
    assertAllowed(spec);
    const { source, target, conflict } = spec;
    const targetTags = target.tags.map(({ repository, tag }) => `${repository}:${tag}`);
    return {
      matches: true,
      import: {
        source: formatReference(definedReference(source)),
        ...{ target: target.registry, targetTags, untaggedTargetRepositories: target.untaggedRepositories, conflict },
      },
    };
  } catch (thrown) {
    if (!(thrown instanceof ImportError)) throw thrown;
    return { matches: true, reason: thrown.message };
  }
}

function definedReference({ registry, repository, tag, digest }: ImportSpec["source"]) {
  return { registry, repository, ...definedOnly({ tag, digest }) };
}

function tryCompile(rule: Parameters<typeof compileRule>[0], settings: RequestSettings): readonly CompiledRule[] {
  try {
    return [compileRule(rule, settings)];
  } catch (thrown) {
    if (thrown instanceof ImportError) return []; // no event starts anything by it
    throw thrown;
  }
}
