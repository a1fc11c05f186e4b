import { z } from "zod";
import { ImportError } from "../errors.ts";
import { repositorySchema, tagSchema } from "./reference.ts";

const maxTemplateChars = 500;
const placeholders = ["repository", "basename", "tag"] as const;

/** `valid` knows what must come out: a template that fails on the plainest of names fails on all. */
const templateSchema = (valid: z.ZodType) =>
  z
    .string()
    .min(1)
    .max(maxTemplateChars)
    .refine(
      (text) => [...text.matchAll(/\{([^{}]*)\}/g)].every(([, name = ""]) => placeholders.some((one) => one === name)),
      `may hold ${placeholders.map((name) => `{${name}}`).join(", ")} and no other placeholder`,
    )
    .refine(
      (text) => valid.safeParse(fill(text, { repository: "a", tag: "a" })).success,
      "can never make a valid name",
    );

/** How an import's target is named after its source. */
export const namingSchema = z.strictObject({
  repository: templateSchema(repositorySchema)
    .default("{repository}")
    .describe("Template: {repository}, {basename} (its last component), {tag}."),
  tag: templateSchema(tagSchema).default("{tag}").describe("Template: {tag}, {repository}, {basename}."),
});
export type Naming = Readonly<z.infer<typeof namingSchema>>;

export interface NamedSource {
  readonly repository: string;
  /** Undefined for what came without one: it stays untagged. */
  readonly tag: string | undefined;
}

export interface NamedTarget {
  readonly repository: string;
  readonly tag: string | undefined;
}

/** Fills the templates. Throws INVALID_REFERENCE when what comes out is no repository or no tag. */
export function nameTarget(naming: Naming, source: NamedSource): NamedTarget {
  const repository = fill(naming.repository, source);
  if (!repositorySchema.safeParse(repository).success)
    throw invalid("repository", naming.repository, repository, source);
  if (source.tag === undefined) return { repository, tag: undefined };
  const tag = fill(naming.tag, source);
  if (!tagSchema.safeParse(tag).success) throw invalid("tag", naming.tag, tag, source);
  return { repository, tag };
}

function fill(template: string, { repository, tag = "" }: NamedSource): string {
  const values: Readonly<Record<string, string>> = { repository, tag, basename: repository.split("/").at(-1) ?? "" };
  return template.replaceAll(/\{([^{}]*)\}/g, (_, name: string) => values[name] ?? "");
}

function invalid(
  what: "repository" | "tag",
  template: string,
  result: string,
  { repository, tag }: NamedSource,
): ImportError {
  return new ImportError({
    code: "INVALID_REFERENCE",
    stage: "accept",
    property: `target.${what}`,
    what: `of ${repository}${tag === undefined ? "" : `:${tag}`} the template "${template}" makes "${result}", no ${what}`,
    hint: "repositories are lower-case path components joined by /; tags have letters, digits, _ . - and 128 at most",
  });
}
