import type { HttpRequest, HttpResponseInit } from "@azure/functions";
import { z } from "zod";
import type { RequestSettings } from "../../domain/import-request.ts";
import { assertUsable, type CompiledRule, compileRule } from "../../domain/rule.ts";
import { assertNoSelfFeed } from "../../domain/rule-chains.ts";
import { type Rule, ruleNameSchema, ruleSchema } from "../../domain/rule-schema.ts";
import { ImportError } from "../../errors.ts";
import type { RuleCondition, Rules } from "../../store/rules.ts";
import type { ActiveRules } from "../rules/active-rules.ts";
import { answerTagged, isKnown } from "../tagged-answer.ts";
import { type HttpHandler, json } from "./http-answer.ts";
import { readJsonBody } from "./read-body.ts";
import { readCondition } from "./read-condition.ts";
import { readShape } from "./read-shape.ts";

export interface RulesDeps {
  readonly rules: Rules;
  readonly settings: RequestSettings;
  /** Throws HOST_NOT_ALLOWED. */
  readonly assertHosts: (source: string, target: string) => void;
  readonly activeRules: Pick<ActiveRules, "forget">;
}

/** Body of `PUT /api/rules/{name}`: the name stands in the address already. */
export const ruleBodySchema = ruleSchema.partial({ name: true }).meta({ id: "RuleBody" });
export const ruleListSchema = z.strictObject({ rules: z.array(ruleSchema) });

/** The rule resources. */
export function createRuleHandlers({ rules, settings, assertHosts, activeRules }: RulesDeps) {
  return {
    listRules: async (request) => answerTagged({ rules: (await rules.list()).map(({ rule }) => rule) }, request),
    getRule: async (request) => {
      const { rule, etag } = await readRule(rules, readRuleName(request));
      return isKnown(request, etag.replace(/^W\//, ""))
        ? { status: 304, headers: { etag } }
        : answerRule(200, rule, etag);
    },
    putRule: async (request) => {
      const name = readRuleName(request);
      const rule = readRuleBody(name, await readJsonBody(request));
      const compiled = compileRule(rule, settings);
      assertMayBe(compiled, assertHosts);
      const written = await rules.put(rule, conditionOf(request));
      activeRules.forget();
      if (written === "conflict") throw changed(name);
      return answerRule(written.isNew ? 201 : 200, rule, written.etag);
    },
    deleteRule: async (request) => {
      const name = readRuleName(request);
      const condition = conditionOf(request);
      const etag = await rules.find(name);
      if (etag === undefined) throw notFound(name);
      const isAsked = condition === "none" || (condition !== "missing" && condition.etag === etag);
      if (!isAsked || (await rules.delete(name, condition)) === "conflict") throw changed(name);
      activeRules.forget();
      return { status: 204 };
    },
  } satisfies Readonly<Record<string, HttpHandler>>;
}

/** Throws RULE_NOT_FOUND. */
export async function readRule(rules: Pick<Rules, "read">, name: string) {
  const stored = await rules.read(name);
  if (stored !== undefined) return stored;
  throw notFound(name);
}

function notFound(name: string): ImportError {
  return new ImportError({
    code: "RULE_NOT_FOUND",
    what: `there is no rule ${name}`,
    hint: "GET /api/rules lists them",
  });
}

/** The rule's name of the route. Throws INVALID_REQUEST for what cannot be one. */
export function readRuleName(request: HttpRequest): string {
  const parsed = ruleNameSchema.safeParse(request.params.name);
  if (parsed.success) return parsed.data;
  throw invalidName(parsed.error.issues[0]?.message ?? "");
}

/** The rule that a body defines under this name. Throws INVALID_REQUEST, also where the body says another name. */
export function readRuleBody(name: string, body: unknown): Rule {
  const rule = readShape(ruleBodySchema, body, "the body");
  if (rule.name === undefined || rule.name === name) return { ...rule, name };
  throw invalidName(`the address says ${name} and the body ${rule.name}`);
}

/** Throws INVALID_REQUEST, or HOST_NOT_ALLOWED, for a rule that is not stored. */
export function assertMayBe(rule: CompiledRule, assertHosts: RulesDeps["assertHosts"]): void {
  assertHosts(rule.sourceRegistry, rule.targetRegistry);
  assertUsable(rule);
  assertNoSelfFeed(rule);
}

/** The table itself upholds it: the ETag becomes a header again. */
function conditionOf(request: HttpRequest): RuleCondition {
  const condition = readCondition(request);
  if (typeof condition === "string") return condition;
  return { etag: /^W\/"[\w':%.-]{1,100}"$/.test(condition.etag) ? condition.etag : 'W/"none"' };
}

function answerRule(status: number, rule: Rule, etag: string): HttpResponseInit {
  return json(status, rule, { etag, ...(status === 201 ? { location: `/api/rules/${rule.name}` } : {}) });
}

function changed(name: string): ImportError {
  return new ImportError({
    code: "PRECONDITION_FAILED",
    what: `rule ${name} is not as the request supposes`,
    hint: "read it again: another writer was here",
  });
}

function invalidName(what: string): ImportError {
  return new ImportError({ code: "INVALID_REQUEST", stage: "accept", property: "name", what: `name: ${what}` });
}
