import { z } from "zod";
import { maxTimeoutSeconds } from "./import-timeout.ts";

/** Longest request in UTF-16 characters: it must fit a queue message and a table row. */
export const maxRequestChars = 30_000;
const maxTargets = 100;
const maxPlatforms = 50;
const maxArtifactTypes = 50;
const maxLabels = 50;
const maxLabelKeyChars = 63;
const maxLabelValueChars = 256;
const maxPasswordChars = 16_384; // Google and ECR tokens have some thousand characters

const text = (maxChars: number) => z.string().min(1).max(maxChars);

const usernameSchema = text(1_024)
  .optional()
  .describe("User name. Not given: the password is an Entra access token at an ACR, an identity token elsewhere.");
const passwordSchema = text(maxPasswordChars).describe(
  "Password or token. Of an import: sealed, and deleted when it ends.",
);

/** Credentials for a source that are complete. */
export const sourceCredentialsSchema = z.strictObject({ username: usernameSchema, password: passwordSchema });

const credentialsSchema = z
  .strictObject({
    username: usernameSchema,
    password: passwordSchema.optional(),
    secret: text(256)
      .optional()
      .describe("Name of a secret in the key vault that the service lets requests use, in place of the password."),
  })
  .describe("How to sign in at the source. Default: what the service's settings say for that host, else anonymous.");

/** A source whose parts stand apart. */
export const sourceObjectSchema = z.strictObject({
  registryUri: text(300).optional().describe("Host of the source registry, or its alias in the service's settings."),
  resourceId: text(500).optional().describe("Azure resource id of the source registry, instead of registryUri."),
  sourceImage: text(600).describe("repository[:tag][@digest]. Default tag: latest."),
  credentials: credentialsSchema.optional(),
});

export const importStrategySchema = z.enum(["auto", "stream", "delegate"]);

const referrersSchema = z.strictObject({
  artifactTypes: z
    .array(text(255))
    .min(1)
    .max(maxArtifactTypes)
    .optional()
    .describe("Only those of these artifact types; what cosign tags hold also by the media type of a layer."),
});

/**
 * Body of `POST /api/imports` and of every other trigger: a superset of ARM's `ImportImageParameters`. Its shape only;
 * what parts of it mean together is decided by `parseImportRequest`.
 */
export const importRequestSchema = z
  .strictObject({
    source: z
      .union([text(1_000).describe("host/repository[:tag][@digest]"), sourceObjectSchema])
      .describe("What to import."),
    target: text(300).optional().describe("Host, alias or bare name of the target registry. Default: DEFAULT_TARGET."),
    targetTags: z
      .array(text(600))
      .max(maxTargets)
      .optional()
      .describe("repository[:tag] at the target. Default tag: the source's. Default: the source's repository and tag."),
    untaggedTargetRepositories: z
      .array(text(300))
      .max(maxTargets)
      .optional()
      .describe("Repositories that get the manifest by digest only."),
    mode: z
      .enum(["NoForce", "Force"])
      .optional()
      .describe("ARM's form of conflict: NoForce = fail, Force = overwrite."),
    conflict: z
      .enum(["fail", "skipIfSame", "overwrite"])
      .optional()
      .describe("What to do about target tags that exist; excludes mode. Default over HTTP: fail."),
    platforms: z
      .array(text(200))
      .min(1)
      .max(maxPlatforms)
      .optional()
      .describe("os/architecture[/variant][:os.version]; the others are left out. Default: all."),
    sparseIndex: z
      .boolean()
      .optional()
      .describe("With platforms: keep the index's bytes and digest, and leave the other children out. Default: false."),
    referrers: z
      .union([z.boolean(), referrersSchema], { error: "expected true, false or an object" })
      .optional()
      .describe("Copy signatures, SBOMs and attestations along: all, or those of some types. Default: false."),
    foreignLayers: z
      .enum(["auto", "skip"])
      .optional()
      .describe("auto (default): copied when the source registry itself serves the blob."),
    verify: z
      .enum(["manifest", "full", "none"])
      .optional()
      .describe(
        "manifest (default): read tag and digest back. full: before that, read every blob at the target and hash it.",
      ),
    strategy: importStrategySchema
      .optional()
      .describe(
        "stream: this service copies. delegate: ACR's own import at the target does. auto (default): stream, but delegate where an ACR's firewall refuses this service.",
      ),
    timeoutSeconds: z
      .int()
      .min(1)
      .max(maxTimeoutSeconds)
      .optional()
      .describe("For the whole import; then it fails with DEADLINE_EXCEEDED. Default: a day."),
    dryRun: z.boolean().optional().describe("Answer with the plan, and write nothing. Default: false."),
    labels: z
      .record(text(maxLabelKeyChars), z.string().max(maxLabelValueChars))
      .refine((labels) => Object.keys(labels).length <= maxLabels, `at most ${maxLabels} labels`)
      .optional()
      .describe("Free texts that come back with the import."),
  })
  .meta({ id: "ImportRequest", description: "An image or artifact to import, and where to." });
/** A request whose shape is right. */
export type ImportRequest = Readonly<z.infer<typeof importRequestSchema>>;

/** One thing that is wrong with a request. */
export interface Problem {
  /** e.g. `source.sourceImage` or `targetTags[0]`; empty: the body itself. */
  readonly property: string;
  readonly what: string;
}

/** All problems of a body's shape, in the order of the schema; none when it fits. */
export function shapeProblems(body: unknown): readonly Problem[] {
  return problemsOf(importRequestSchema, body);
}

/** What `schema` has against `value`; none when it fits. */
export function problemsOf(schema: z.ZodType, value: unknown): readonly Problem[] {
  return placedProblemsOf(schema, value).map(({ path, what }) => ({ property: formatPath(path), what }));
}

/** A {@link Problem} with the keys that lead to its property. */
export interface PlacedProblem {
  readonly path: readonly PropertyKey[];
  readonly what: string;
}

/** What `schema` has against `value`, by path; none when it fits. */
export function placedProblemsOf(schema: z.ZodType, value: unknown): readonly PlacedProblem[] {
  const parsed = schema.safeParse(value, { reportInput: true });
  return parsed.success ? [] : parsed.error.issues.flatMap((issue) => toProblems(issue, []));
}

/** A path as people write it: `source.sourceImage`, `targetTags[0]`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((key, at) => (typeof key === "number" ? `[${key}]` : `${at === 0 ? "" : "."}${String(key)}`))
    .join("");
}

/** The values that issues carry (`reportInput`) are looked at and never repeated: they may be secret. */
function toProblems(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): readonly PlacedProblem[] {
  const path = [...above, ...issue.path];
  if (issue.input === undefined && path.length > 0) return [{ path, what: "is missing" }];
  switch (issue.code) {
    case "invalid_union": {
      // Of the forms that a value may have, the one it was meant to have is the one whose own type it is of.
      const isOtherType = ({ code, path: { length } }: z.core.$ZodIssue) => code === "invalid_type" && length === 0;
      const meant = issue.errors.find((issues) => !issues.some(isOtherType));
      if (meant !== undefined) return meant.flatMap((inner) => toProblems(inner, path));
      return [{ path, what: issue.message === "Invalid input" ? "expected a reference or an object" : issue.message }];
    }
    case "unrecognized_keys":
      return issue.keys.map((key) => ({ path: [...path, key], what: "no such property" }));
    default:
      return [{ path, what: issue.message }];
  }
}
