import {
  type PromotionRecord,
  type PromotionState,
  promotionRecordSchema,
} from "../../../../src/domain/promotion-record.ts";
import { type Schedule, scheduleSchema } from "../../../../src/domain/schedule-schema.ts";
import type { DurablePort } from "../../../../src/functions/durable-port.ts";
import type { PromotionCause, StartPromotion } from "../../../../src/functions/promotions/ports.ts";

export function aSchedule(changes: object = {}): Schedule {
  return scheduleSchema.parse({
    name: "nightly",
    cron: "0 3 * * *",
    source: { registry: "docker.io", repositories: ["team/app"] },
    target: { registry: "prod.example" },
    ...changes,
  });
}

const refuse = async () => {
  throw new Error("no orchestration was expected");
};
export const noDurable: DurablePort = { start: refuse, raise: refuse, state: refuse };

/** Promotions that start when they are told to, and run until the test says otherwise. */
export function createFakePromotions() {
  const states = new Map<string, PromotionState>();
  const starts: { readonly request: unknown; readonly cause: PromotionCause }[] = [];
  const failures: unknown[] = [];
  const start: StartPromotion = async (request, cause) => {
    starts.push({ request, cause });
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    const isNew = !states.has(cause.id);
    if (isNew) states.set(cause.id, "Running");
    return { record: recordOf(request, cause), isNew };
  };
  return {
    start,
    state: async (id: string) => states.get(id),
    starts,
    /** How many there are, however often they were started. */
    count: () => states.size,
    endAll: (state: PromotionState = "Succeeded") => {
      for (const id of states.keys()) states.set(id, state);
    },
    /** The next start throws it. */
    failNext: (thrown: unknown) => failures.push(thrown),
  };
}

function recordOf(request: unknown, { id, trigger, causedAt, schedule }: PromotionCause): PromotionRecord {
  const createdAt = causedAt.toISOString();
  const fixed = { v: 1, state: "Accepted", attempt: 1, isExpanded: false, warnings: [] };
  const record = { ...fixed, id, trigger, request, schedule, createdAt };
  return promotionRecordSchema.parse(record);
}
