import { z } from "zod";
import { selectionSchema } from "./promotion-request-schema.ts";
import { ruleNameSchema } from "./rule-schema.ts";

/** A selection that is looked at again and again; what changed since is imported. */
export const scheduleSchema = selectionSchema
  .extend({
    name: ruleNameSchema,
    enabled: z.boolean().default(true),
    cron: z.string().min(1).max(100).describe("Five fields: minute hour day-of-month month day-of-week."),
    timeZone: z.string().max(100).default("UTC").describe("IANA name, e.g. Europe/Berlin."),
    maxConcurrent: z.int().min(1).max(500).optional(),
  })
  .meta({ id: "Schedule", description: "Imports at set times what has changed. Default conflict: overwrite." });
export type Schedule = Readonly<z.infer<typeof scheduleSchema>>;
