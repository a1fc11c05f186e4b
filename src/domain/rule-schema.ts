import { z } from "zod";
import { howShape, namedTargetSchema, selectedSourceSchema } from "./promotion-request-schema.ts";
import { tagFilterSchema } from "./selector.ts";

/** Names rules and schedules. */
export const ruleNameSchema = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, "expected lower-case letters, digits and -, at most 63");

/** A rule: what a push event must match, and where the image then goes. */
export const ruleSchema = z
  .strictObject({
    name: ruleNameSchema,
    enabled: z.boolean().default(true),
    source: selectedSourceSchema.extend({
      tags: tagFilterSchema.default({}).describe("Which tags. Default: all. A push without tag matches when all do."),
    }),
    target: namedTargetSchema.prefault({}),
    ...howShape,
  })
  .meta({ id: "Rule", description: "Imports what is pushed to matching repositories. Default conflict: overwrite." });
export type Rule = Readonly<z.infer<typeof ruleSchema>>;
