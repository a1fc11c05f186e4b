import { z } from "zod";
import { importStateSchema } from "../domain/import-record.ts";

/*
 * The API's answers as this client reads them: only what it shows is checked, and what a newer service adds is kept,
 * so that `--json` prints everything that was answered.
 */

const countSchema = z.looseObject({ total: z.number(), done: z.number() });

const progressViewSchema = z.looseObject({
  manifests: countSchema,
  blobs: countSchema,
  bytes: z.looseObject({ total: z.number(), copied: z.number(), mounted: z.number(), skipped: z.number() }),
  verified: z.looseObject({ blobs: z.number(), bytes: z.number() }).optional(),
  bytesPerSecond: z.number().nullish(),
  etaSeconds: z.number().nullish(),
});
export type ProgressView = Readonly<z.infer<typeof progressViewSchema>>;

export const errorViewSchema = z.looseObject({
  code: z.string(),
  message: z.string(),
  httpStatus: z.number().optional(),
  upstream: z.array(z.looseObject({ code: z.string(), message: z.string() })).optional(),
  stage: z.string().optional(),
  digest: z.string().optional(),
  hint: z.string().optional(),
  retryable: z.boolean().optional(),
  correlationId: z.string().optional(),
});
export type ErrorView = Readonly<z.infer<typeof errorViewSchema>>;

/** An import as `GET /api/imports/{id}` answers it. */
export const importViewSchema = z.looseObject({
  id: z.string(),
  state: importStateSchema,
  trigger: z.looseObject({ kind: z.string(), ref: z.string().optional() }).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  source: z
    .looseObject({
      registry: z.string(),
      repository: z.string(),
      reference: z.string().optional(),
      digest: z.string().optional(),
      mediaType: z.string().optional(),
    })
    .optional(),
  target: z
    .looseObject({
      registry: z.string(),
      tags: z.array(z.string()).default([]),
      untaggedRepositories: z.array(z.string()).default([]),
      digest: z.string().optional(),
    })
    .optional(),
  progress: progressViewSchema.optional(),
  attempt: z.number().optional(),
  createdAt: z.string(),
  startedAt: z.string().optional(),
  finishedAt: z.string().optional(),
  error: errorViewSchema.optional(),
  waiting: z.looseObject({ until: z.string(), message: z.string() }).optional(),
  warnings: z.array(z.string()).default([]),
});
export type ImportView = Readonly<z.infer<typeof importViewSchema>>;

export const pageTokenSchema = z.string().nullish();

/** One page of `GET /api/imports`. It may be short or empty and still have a token. */
export const importPageSchema = z.looseObject({
  imports: z.array(importViewSchema),
  continuationToken: pageTokenSchema,
});
export type ImportPage = Readonly<z.infer<typeof importPageSchema>>;

const partViewSchema = z.looseObject({
  kind: z.enum(["manifest", "blob"]),
  digest: z.string(),
  mediaType: z.string().optional(),
  sizeBytes: z.number(),
  state: z.string(),
  via: z.string().optional(),
  ms: z.number().optional(),
  attempts: z.number().optional(),
  platform: z.string().optional(),
  artifactType: z.string().optional(),
  repository: z.string().optional(),
});
export type PartView = Readonly<z.infer<typeof partViewSchema>>;

/** One page of `GET /api/imports/{id}/parts`. */
export const partPageSchema = z.looseObject({ parts: z.array(partViewSchema), continuationToken: pageTokenSchema });

const blobWorkSchema = z.looseObject({ blobs: z.number(), bytes: z.number() });

/** What `dryRun: true` answers; its shape is the service's affair but for the numbers that are shown. */
export const dryRunSchema = z.looseObject({
  action: z.string().optional(),
  source: importViewSchema.shape.source,
  target: importViewSchema.shape.target,
  progress: progressViewSchema.optional(),
  work: z.looseObject({ copy: blobWorkSchema, mount: blobWorkSchema, skip: blobWorkSchema }).optional(),
  warnings: z.array(z.string()).default([]),
});
export type DryRun = Readonly<z.infer<typeof dryRunSchema>>;

/** RFC 9457 with the code of errors.ts. */
export const problemSchema = z.looseObject({
  title: z.string().optional(),
  detail: z.string().optional(),
  message: z.string().optional(),
  code: z.string().optional(),
  hint: z.string().optional(),
  property: z.string().optional(),
  correlationId: z.string().optional(),
});
export type Problem = Readonly<z.infer<typeof problemSchema>>;
