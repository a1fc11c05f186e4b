import { z } from "zod";
import { importSpecSchema } from "./import-spec.ts";

/** The answer of `POST /api/rules/{name}/test`. */
export const testRuleAnswerSchema = z.strictObject({
  matches: z.boolean(),
  reason: z.string().optional().describe("Why nothing would be imported."),
  import: z
    .strictObject({
      source: z.string(),
      target: z.string(),
      targetTags: z.array(z.string()),
      untaggedTargetRepositories: z.array(z.string()),
      conflict: importSpecSchema.shape.conflict,
    })
    .optional()
    .describe("What would be imported, and where to."),
  warnings: z.array(z.string()).describe("Loops with other rules, and what else is odd."),
});
export type TestRuleAnswer = Readonly<z.infer<typeof testRuleAnswerSchema>>;
