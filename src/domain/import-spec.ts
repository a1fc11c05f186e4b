import { z } from "zod";
import { digestSchema } from "../digest.ts";
import { registryHostSchema, repositorySchema, tagSchema } from "./reference.ts";

const platformSchema = z.strictObject({
  os: z.string(),
  architecture: z.string(),
  variant: z.string().optional(),
  osVersion: z.string().optional(),
});
export type Platform = Readonly<z.infer<typeof platformSchema>>;

export const conflictSchema = z.enum(["fail", "skipIfSame", "overwrite"]);
export type Conflict = z.infer<typeof conflictSchema>;

/**
 * A request after all defaults and rules (DESIGN: References, Conflict, Platforms) have been applied: what is to be
 * done, without credentials. Stored in the record, so it only ever grows optional properties.
 */
export const importSpecSchema = z.strictObject({
  v: z.literal(1),
  source: z.strictObject({
    registry: registryHostSchema,
    repository: repositorySchema,
    tag: tagSchema.optional(),
    digest: digestSchema.optional(), // at least one of tag and digest
    /** Azure's id of the registry, where the request named it by that. */
    resourceId: z.string().optional(),
    /** `registry` is only what the id's name suggests: Azure is asked for it before anything is read. */
    isAssumed: z.literal(true).optional(),
  }),
  target: z.strictObject({
    registry: registryHostSchema,
    tags: z.array(z.strictObject({ repository: repositorySchema, tag: tagSchema })),
    untaggedRepositories: z.array(repositorySchema),
  }),
  conflict: conflictSchema,
  platforms: z.array(platformSchema).optional(), // absent: all
  sparseIndex: z.boolean(),
  /** Signatures, SBOMs and attestations travel along: all of them, or those of these types. Absent: they do not. */
  referrers: z.strictObject({ artifactTypes: z.array(z.string()).optional() }).optional(),
  foreignLayers: z.enum(["auto", "skip"]),
  verify: z.enum(["manifest", "full", "none"]),
  /** Who copies, where that was asked for. Absent: this service, or ACR where only that can. */
  strategy: z.enum(["stream", "delegate"]).optional(),
  timeoutSeconds: z.int().min(1),
  labels: z.record(z.string(), z.string()),
  /** Only while the source's tag names the digest that was found: events of pushes arrive late and out of order. */
  whileTagged: z.literal(true).optional(),
  /** Secret of the key vault that signs in at the source: its name, and the user whose password it is. */
  sourceSecret: z.strictObject({ secret: z.string(), username: z.string().optional() }).optional(),
});
export type ImportSpec = Readonly<z.infer<typeof importSpecSchema>>;

/** The distinct repositories that the import writes to, in a stable order: parts and plans name them by position. */
export function targetRepositories(spec: ImportSpec): readonly string[] {
  return [...new Set([...spec.target.tags.map(({ repository }) => repository), ...spec.target.untaggedRepositories])];
}
