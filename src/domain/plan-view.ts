import { z } from "zod";
import { digestSchema } from "../digest.ts";
import { progressSchema } from "./import-plan.ts";

const planActionSchema = z
  .enum(["copy", "mount", "skip"])
  .describe("mount: the target is asked to take the blob over from a repository of its own; if it refuses, copied.");
type PlanAction = z.infer<typeof planActionSchema>;

const blobWorkSchema = z.strictObject({ blobs: z.int(), bytes: z.int() });

/** The answer to a dry run. */
export const planViewSchema = z
  .strictObject({
    dryRun: z.literal(true),
    action: z.enum(["copy", "skip"]).describe("skip: everything is there already."),
    source: z.strictObject({
      registry: z.string(),
      repository: z.string(),
      digest: digestSchema,
      mediaType: z.string(),
    }),
    target: z.strictObject({
      registry: z.string(),
      tags: z.array(z.string()),
      untaggedRepositories: z.array(z.string()),
      digest: digestSchema,
    }),
    progress: progressSchema.describe("What would have to be done; done: what is there already."),
    work: z
      .strictObject({ copy: blobWorkSchema, mount: blobWorkSchema, skip: blobWorkSchema })
      .describe("Blobs by what would be done with them, counted per target repository."),
    parts: z.array(
      z.strictObject({
        kind: z.enum(["manifest", "blob"]),
        repository: z.string(),
        digest: digestSchema,
        mediaType: z.string(),
        sizeBytes: z.int(),
        platform: z.string().optional(),
        artifactType: z.string().optional(),
        referrerOf: digestSchema.optional().describe("The manifest that this one belongs to."),
        tags: z.array(z.string()).optional().describe("Cosign tags that are to hold it."),
        children: z.array(digestSchema).optional().describe("What the manifest refers to, in its order."),
        action: planActionSchema,
      }),
    ),
    warnings: z.array(z.string()),
  })
  .meta({ id: "Plan", description: "What an import would do." });
export type PlanView = Readonly<z.infer<typeof planViewSchema>>;
export type PlanWork = PlanView["work"];

/** What the blobs of a plan add up to, by what would be done with them. */
export function sumWork(parts: readonly Pick<PlanView["parts"][number], "kind" | "sizeBytes" | "action">[]): PlanWork {
  const blobs = parts.filter(({ kind }) => kind === "blob");
  const sum = (wanted: PlanAction) => {
    const own = blobs.filter(({ action }) => action === wanted);
    return { blobs: own.length, bytes: own.reduce((total, { sizeBytes }) => total + sizeBytes, 0) };
  };
  return { copy: sum("copy"), mount: sum("mount"), skip: sum("skip") };
}
