import { z } from "zod";
import { errorViewSchema, pageTokenSchema } from "./api-records.ts";

/*
 * Rules, schedules and given-up messages as this client reads them: only what it shows is checked, and what a newer
 * service adds is kept.
 */

/** What rules and schedules have in common. Their selection is read where it is shown. */
export const namedResourceSchema = z.looseObject({
  name: z.string(),
  enabled: z.boolean().default(true),
  conflict: z.string().optional(),
  cron: z.string().optional(),
  timeZone: z.string().optional(),
  nextRuns: z.array(z.string()).optional(),
  lastRun: z.looseObject({ at: z.string().optional(), state: z.string().optional() }).nullish(),
});
export type NamedResource = Readonly<z.infer<typeof namedResourceSchema>>;

/** `GET /api/rules`. */
export const ruleListSchema = z.looseObject({
  rules: z.array(namedResourceSchema),
  continuationToken: pageTokenSchema,
});

/** `GET /api/schedules`. */
export const scheduleListSchema = z.looseObject({
  schedules: z.array(namedResourceSchema),
  continuationToken: pageTokenSchema,
});

/** What `POST /api/rules/{name}/test` answers. */
export const ruleTestSchema = z.looseObject({
  matches: z.boolean(),
  reason: z.string().optional(),
  import: z
    .looseObject({
      source: z.string(),
      target: z.string(),
      targetTags: z.array(z.string()).default([]),
      untaggedTargetRepositories: z.array(z.string()).default([]),
      conflict: z.string().optional(),
    })
    .optional(),
  warnings: z.array(z.string()).default([]),
});
export type RuleTest = Readonly<z.infer<typeof ruleTestSchema>>;

/** A queue message that was given up. */
export const poisonSchema = z.looseObject({
  id: z.string(),
  createdAt: z.string(),
  reason: errorViewSchema.optional(),
  importId: z.string().optional(),
  dequeueCount: z.number().optional(),
  isCut: z.boolean().optional(),
  body: z.string().optional(),
});
export type PoisonView = Readonly<z.infer<typeof poisonSchema>>;

/** One page of `GET /api/poison`. */
export const poisonPageSchema = z.looseObject({ messages: z.array(poisonSchema), continuationToken: pageTokenSchema });

/** What `POST /api/poison/{id}/requeue` answers. */
export const requeuedSchema = z.looseObject({ importId: z.string().optional() });
export type Requeued = Readonly<z.infer<typeof requeuedSchema>>;
