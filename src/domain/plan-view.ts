import { z } from "zod";
import { digestSchema } from "../digest.ts";
import { progressSchema } from "./import-plan.ts";

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
        action: z.enum(["copy", "skip"]),
      }),
    ),
    warnings: z.array(z.string()),
  })
  .meta({ id: "Plan", description: "What an import would do." });
export type PlanView = Readonly<z.infer<typeof planViewSchema>>;
