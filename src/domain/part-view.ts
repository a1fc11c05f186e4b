import { z } from "zod";
import { digestSchema } from "../digest.ts";
import { viaSchema } from "./import-plan.ts";

/** A manifest or blob of an import in one target repository, as the API answers it. */
export const partViewSchema = z
  .strictObject({
    kind: z.enum(["manifest", "blob"]),
    repository: z.string().describe("At the target."),
    digest: digestSchema,
    mediaType: z.string(),
    sizeBytes: z.int(),
    state: z.enum(["pending", "done"]),
    via: viaSchema.optional().describe("How it came to be there."),
    isVerified: z.literal(true).optional().describe("Read again at the target and hashed (verify: full)."),
    ms: z.number().optional(),
    attempts: z.int().optional(),
    platform: z.string().optional(),
    artifactType: z.string().optional(),
    referrerOf: digestSchema.optional().describe("The manifest that this one belongs to: it travels along."),
    tags: z.array(z.string()).optional().describe("Cosign tags that are to hold it."),
    children: z
      .array(digestSchema)
      .optional()
      .describe("Of a manifest: the manifests, or config and layers, that it refers to, in its order."),
  })
  .meta({ id: "Part" });
export type PartView = Readonly<z.infer<typeof partViewSchema>>;

export const partPageSchema = z
  .strictObject({ parts: z.array(partViewSchema), continuationToken: z.string().optional() })
  .meta({ id: "PartPage", description: "A page may be short although more follow." });
export type PartPage = Readonly<z.infer<typeof partPageSchema>>;
