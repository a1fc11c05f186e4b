import { z } from "zod";
import { cronProblem, isTimeZone } from "./cron.ts";
import { selectionSchema } from "./promotion-request-schema.ts";
import { ruleNameSchema } from "./rule-schema.ts";

const cronSchema = z
  .string()
  .min(1)
  .max(100)
  .check((context) => {
    const problem = cronProblem(context.value);
    if (problem !== undefined) context.issues.push({ code: "custom", message: problem, input: context.value });
  })
  .describe("Five fields: minute hour day-of-month month day-of-week.");

/** What `PUT /api/schedules/{name}` takes: the name stands in the route. */
export const scheduleBodySchema = selectionSchema
  .extend({
    enabled: z.boolean().default(true),
    cron: cronSchema,
    timeZone: z
      .string()
      .max(100)
      .refine(isTimeZone, "is no time zone that is known here, e.g. Europe/Berlin")
      .default("UTC")
      .describe("IANA name, e.g. Europe/Berlin."),
    maxConcurrent: z.int().min(1).max(500).optional(),
  })
  .meta({ id: "ScheduleRequest", description: "Imports at set times what has changed. Default conflict: overwrite." });

/** A selection that is looked at again and again; what changed since is imported. */
export const scheduleSchema = scheduleBodySchema.extend({ name: ruleNameSchema }).meta({ id: "ScheduleDefinition" });
export type Schedule = Readonly<z.infer<typeof scheduleSchema>>;
