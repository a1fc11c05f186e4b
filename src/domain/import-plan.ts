import { z } from "zod";
import { digestSchema } from "../digest.ts";

const targetIndexSchema = z.int().min(0); // position in ImportSpec's list of target repositories (targetRepositories())

/**
 * One blob that is missing in some target repositories: it is streamed to the first and mounted into the others.
 * Digests and sizes only: what else is known of it stands in its ImportParts row.
 */
const plannedBlobSchema = z.object({
  digest: digestSchema,
  sizeBytes: z.int().min(0),
  targets: z.array(targetIndexSchema).min(1),
  /** Its content stands in the ImportParts row (descriptor `data`, the empty blob): no GET is needed. */
  inline: z.literal(true).optional(),
});
export type PlannedBlob = Readonly<z.infer<typeof plannedBlobSchema>>;

/** The work of one copyBlobs activity: many small blobs or one larger one. `n` names its `u` row. */
export const unitSchema = z.object({ n: z.int().min(0), blobs: z.array(plannedBlobSchema).min(1) });
export type Unit = Readonly<z.infer<typeof unitSchema>>;

/**
 * What resolveImport found to do.
 * `skip`: every target tag already holds the digest and the policy says to leave it.
 * `single`: at most one unit, copied, published and finished by one activity. `copy`: the general case.
 * `delegate`: nothing for this service, ACR's own import copies.
 */
export const importPlanSchema = z.object({
  v: z.literal(1),
  kind: z.enum(["skip", "single", "copy", "delegate"]),
  units: z.array(unitSchema),
  /** Blobs that need checkpoints: a copyLargeBlob sub-orchestration each. `n` goes on from the units' numbers. */
  large: z.array(unitSchema),
  /**
   * Manifests to publish by digest, children before parents and subjects before their referrers. The root is here only
   * when something refers to it: finishImport puts it under its tags.
   */
  levels: z.array(z.array(digestSchema).min(1)),
  /** What is to be read and hashed at the target once it is copied: absent unless that was asked for. */
  verify: z.array(unitSchema).optional(),
});
export type ImportPlan = Readonly<z.infer<typeof importPlanSchema>>;

/** What is counted of an import; bytes are those of distinct (target repository, blob) pairs. */
export const progressSchema = z.strictObject({
  manifests: z.strictObject({ total: z.int(), done: z.int() }),
  blobs: z.strictObject({ total: z.int(), done: z.int() }),
  bytes: z.strictObject({ total: z.int(), copied: z.int(), mounted: z.int(), skipped: z.int() }),
  verified: z
    .strictObject({ blobs: z.int(), bytes: z.int() })
    .optional()
    .describe("Of those: read again at the target and hashed, where verify is full."),
  bytesPerSecond: z.number(),
  etaSeconds: z.number().optional(),
});
export type Progress = Readonly<z.infer<typeof progressSchema>>;

/** How a blob or manifest came to be at the target. */
export const viaSchema = z.enum(["copied", "mounted", "skipped"]);
export type Via = z.infer<typeof viaSchema>;

/** One manifest or blob of an import in one target repository, as stored and as listed by `/parts`. */
export interface Part {
  readonly kind: "manifest" | "blob";
  /** Position of the target repository. */
  readonly target: number;
  readonly digest: z.infer<typeof digestSchema>;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly state: "pending" | "done";
  readonly via?: Via;
  /** Was read again at the target, and is what its digest says. */
  readonly isVerified?: true;
  /** Milliseconds the copy took, and how often it was begun. */
  readonly ms?: number;
  readonly attempts?: number;
  /** e.g. `linux/arm64/v8`; for manifests under an index. */
  readonly platform?: string;
  /** Of what travels along: what it is, the manifest it belongs to, and the cosign tags that are to hold it. */
  readonly artifactType?: string;
  readonly referrerOf?: z.infer<typeof digestSchema>;
  readonly tags?: readonly string[];
  /** Of a manifest, what it consists of in its own order: manifests of an index, or config and layers. */
  readonly children?: readonly z.infer<typeof digestSchema>[];
  /** The exact bytes: of a manifest (absent when too large for a row), or of an inline blob. */
  readonly content?: Uint8Array;
}
