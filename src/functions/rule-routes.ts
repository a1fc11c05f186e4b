import { ruleSchema } from "../domain/rule-schema.ts";
import { testRuleAnswerSchema } from "../domain/rule-test.ts";
import { ifNoneMatch, notModified } from "./api-route.ts";
import { hookAnswerSchema, hookQuerySchema } from "./triggers/post-hook.ts";
import { ruleBodySchema, ruleListSchema } from "./triggers/rules.ts";
import { testRuleBodySchema } from "./triggers/test-rule.ts";

const condition = {
  "If-Match": "ETag of an earlier answer: 412 when the rule has changed since.",
} as const;

/** Routes of rules and webhooks, by the name of their function. */
export const ruleRoutes = {
  listRules: {
    method: "GET",
    route: "api/rules",
    authLevel: "function",
    summary: "List the rules by which pushes start imports",
    headers: ifNoneMatch,
    answers: { 200: { description: "All of them, by name", schema: ruleListSchema }, 304: notModified },
    problems: [503],
  },
  getRule: {
    method: "GET",
    route: "api/rules/{name}",
    authLevel: "function",
    summary: "Look at a rule",
    headers: ifNoneMatch,
    answers: { 200: { description: "The rule, with its ETag", schema: ruleSchema }, 304: notModified },
    problems: [400, 404, 503],
  },
  putRule: {
    method: "PUT",
    route: "api/rules/{name}",
    authLevel: "function",
    summary: "Make or replace a rule",
    headers: { ...condition, "If-None-Match": "*: 412 when there is a rule of this name." },
    body: { schema: ruleBodySchema, isRequired: true },
    answers: {
      200: { description: "Replaced", schema: ruleSchema },
      201: { description: "Made", schema: ruleSchema },
    },
    problems: [400, 403, 412, 503],
  },
  deleteRule: {
    method: "DELETE",
    route: "api/rules/{name}",
    authLevel: "function",
    summary: "Delete a rule; imports that it started go on",
    headers: condition,
    answers: { 204: { description: "Deleted" } },
    problems: [400, 404, 412, 503],
  },
  testRule: {
    method: "POST",
    route: "api/rules/{name}/test",
    authLevel: "function",
    summary: "Say whether a push would match a rule, stored or in the body, and what it would import; starts nothing",
    body: { schema: testRuleBodySchema, isRequired: true },
    answers: { 200: { description: "What would happen", schema: testRuleAnswerSchema } },
    problems: [400, 403, 404, 503],
  },
  postHook: {
    method: "POST",
    route: "api/hooks/{kind}",
    authLevel: "anonymous", // a registry has no function key: the handler wants the secret of HOOK_SECRETS
    summary: "Tell of a push, as acr, dockerhub, harbor or distribution do by webhook",
    query: hookQuerySchema,
    headers: { Authorization: "Bearer or Basic with the secret of HOOK_SECRETS; X-Drayage-Secret does as well." },
    answers: { 200: { description: "What was started", schema: hookAnswerSchema } },
    problems: [400, 401, 404, 503],
  },
} as const;
