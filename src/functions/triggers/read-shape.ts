import type { z } from "zod";
import { problemsOf } from "../../domain/import-request-schema.ts";
import { definedOnly, ImportError } from "../../errors.ts";

/** What a caller sent, by schema. Throws INVALID_REQUEST with the first property at fault; the message tells of all. */
export function readShape<Value>(
  schema: z.ZodType<Value>,
  given: unknown,
  place: "the query" | "the body" | "the route",
): Value {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(schema, given);
  const texts = problems.map(({ property, what }) => (property === "" ? what : `${property}: ${what}`));
  throw new ImportError({
    code: "INVALID_REQUEST",
    stage: "accept",
    what: `${place} is not as expected: ${texts.join(" · ")}`,
    ...definedOnly({ property: problems[0]?.property || undefined }),
  });
}
