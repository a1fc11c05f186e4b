import { z } from "zod";
import { errorCodes } from "../errors.ts";
import { repositorySchema } from "./reference.ts";
import { authSchema } from "./registry-auth.ts";

const requestsSchema = z
  .enum(["all", "read", "pull", "write", "referrers", "token"])
  .describe("Class of requests; pull: GETs of manifests where those have a quota of their own.");

const findingSchema = z
  .strictObject({
    status: z.enum(["ok", "failing", "unchecked"]),
    detail: z.string().describe("What was found, or why it was not looked at."),
    code: z.enum(errorCodes).optional(),
    hint: z.string().optional().describe("What to do about it."),
  })
  .meta({ id: "RegistryFinding" });
/** What a check found out about one ability. */
export type RegistryFinding = Readonly<z.infer<typeof findingSchema>>;

/** The abilities that a check looks at, in the order in which people read them. */
export const registryAbilities = ["signIn", "pull", "push", "list"] as const;

const checkSchema = z.strictObject({
  repository: repositorySchema.optional(),
  checkedAt: z.iso.datetime(),
  signIn: findingSchema,
  pull: findingSchema,
  push: findingSchema,
  list: findingSchema.describe("The list of repositories, which only selections with globs need."),
});
export type RegistryCheck = Readonly<z.infer<typeof checkSchema>>;

/** A registry as the settings name it and as the processes of the app know it. No secret is in it. */
export const registryViewSchema = z
  .strictObject({
    host: z.string(),
    alias: z.string().optional(),
    resourceId: z.string().optional(),
    auth: authSchema.omit({ password: true }).describe("How Drayage signs in by itself; requests may bring others."),
    profile: z.string().describe("unknown: neither its name nor an answer has told it yet."),
    isInsecure: z.boolean().describe("Plain http."),
    isDefaultTarget: z.boolean(),
    allowedAs: z.array(z.enum(["source", "target"])),
    pauses: z.array(z.strictObject({ requests: requestsSchema, until: z.iso.datetime(), reason: z.string() })),
    budgets: z
      .array(
        z.strictObject({
          requests: requestsSchema,
          perMinute: z.number().describe("Of this process."),
          free: z.number().describe("Requests that may leave at once."),
          waiting: z.int(),
        }),
      )
      .describe("An account and class of requests each, as this process has used them."),
    learned: z.strictObject({
      maxPutBytes: z.int().optional().describe("A larger PUT was answered 413."),
      refusesChunks: z.boolean().optional(),
    }),
  })
  .meta({ id: "Registry" });
export type RegistryView = Readonly<z.infer<typeof registryViewSchema>>;

export const registryListSchema = z.strictObject({ registries: z.array(registryViewSchema) });

/** Body of `POST /api/registries/{host}/check`. */
export const checkBodySchema = z
  .strictObject({
    repository: repositorySchema
      .optional()
      .describe("Where pull and push are checked; an upload may be opened there, and is cancelled."),
  })
  .meta({ id: "RegistryCheckBody" });

/** A registry with what was found just now. */
export const checkedRegistrySchema = registryViewSchema.extend({ check: checkSchema }).meta({ id: "CheckedRegistry" });
export type CheckedRegistry = Readonly<z.infer<typeof checkedRegistrySchema>>;
