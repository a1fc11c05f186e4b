import { readAnswer, type SendCall } from "./api-call.ts";
import { everyPage, type Page } from "./pages.ts";
import type { RequestBody } from "./request-body.ts";
import {
  type NamedResource,
  namedResourceSchema,
  type PoisonView,
  poisonPageSchema,
  poisonSchema,
  type Requeued,
  type RuleTest,
  requeuedSchema,
  ruleListSchema,
  ruleTestSchema,
  scheduleListSchema,
} from "./resource-records.ts";

export type ResourceKind = "rules" | "schedules";
export type NamedResourcesClient = ReturnType<typeof createNamedResourcesClient>;

/** What the HTTP API does with rules or schedules, as functions. Each throws as {@link SendCall} does. */
export function createNamedResourcesClient(send: SendCall, kind: ResourceKind) {
  const pathOf = (name: string) => `/api/${kind}/${encodeURIComponent(name)}`;
  return {
    list(signal: AbortSignal): AsyncGenerator<NamedResource> {
      return everyPage(new URLSearchParams(), async (query): Promise<Page<NamedResource>> => {
        const search = query.size === 0 ? "" : `?${query}`;
        const answer = await send({ method: "GET", path: `/api/${kind}${search}` }, signal);
        if (kind === "rules") {
          const { rules, continuationToken } = readAnswer(ruleListSchema, answer);
          return { entries: rules, continuationToken };
        }
        const { schedules, continuationToken } = readAnswer(scheduleListSchema, answer);
        return { entries: schedules, continuationToken };
      });
    },

    async get(name: string, signal: AbortSignal): Promise<NamedResource> {
      return readAnswer(namedResourceSchema, await send({ method: "GET", path: pathOf(name) }, signal));
    },

    /** Makes it, or replaces the one of that name. */
    async put(name: string, body: RequestBody, signal: AbortSignal): Promise<WrittenResource> {
      const answer = await send({ method: "PUT", path: pathOf(name), body }, signal);
      return { resource: readAnswer(namedResourceSchema, answer), did: answer.status === 201 ? "made" : "replaced" };
    },

    async delete(name: string, signal: AbortSignal): Promise<void> {
      await send({ method: "DELETE", path: pathOf(name) }, signal);
    },
  };
}

export interface WrittenResource {
  readonly resource: NamedResource;
  readonly did: "made" | "replaced";
}

/** Whether a push, real or supposed, would match a rule. */
export async function testRule(
  send: SendCall,
  name: string,
  body: RequestBody,
  signal: AbortSignal,
): Promise<RuleTest> {
  const path = `/api/rules/${encodeURIComponent(name)}/test`;
  return readAnswer(ruleTestSchema, await send({ method: "POST", path, body }, signal));
}

export type PoisonClient = ReturnType<typeof createPoisonClient>;

/** What the HTTP API does with messages that were given up, as functions. Each throws as {@link SendCall} does. */
export function createPoisonClient(send: SendCall) {
  const pathOf = (id: string) => `/api/poison/${encodeURIComponent(id)}`;
  return {
    async list(query: URLSearchParams, signal: AbortSignal): Promise<Page<PoisonView>> {
      const answer = await send({ method: "GET", path: `/api/poison?${query}` }, signal);
      const { messages, continuationToken } = readAnswer(poisonPageSchema, answer);
      return { entries: messages, continuationToken };
    },

    async get(id: string, signal: AbortSignal): Promise<PoisonView> {
      return readAnswer(poisonSchema, await send({ method: "GET", path: pathOf(id) }, signal));
    },

    async requeue(id: string, signal: AbortSignal): Promise<Requeued> {
      return readAnswer(requeuedSchema, await send({ method: "POST", path: `${pathOf(id)}/requeue` }, signal));
    },

    async delete(id: string, signal: AbortSignal): Promise<void> {
      await send({ method: "DELETE", path: pathOf(id) }, signal);
    },
  };
}
