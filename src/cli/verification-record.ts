import { z } from "zod";

const comparedSchema = z.looseObject({
  registry: z.string(),
  repository: z.string(),
  reference: z.string().optional(),
  digest: z.string().optional(),
});

const differenceSchema = z.looseObject({
  kind: z.string(),
  path: z.string(),
  source: z.string().optional(),
  target: z.string().optional(),
  message: z.string(),
});

/** What `POST /api/verify` answers, as far as it is shown. */
export const verificationSchema = z.looseObject({
  same: z.boolean(),
  source: comparedSchema,
  target: comparedSchema,
  differences: z.array(differenceSchema),
  omittedDifferences: z.number().default(0),
  checked: z.looseObject({ manifests: z.number(), blobs: z.number(), bytes: z.number() }),
  warnings: z.array(z.string()).default([]),
});
export type VerificationRecord = Readonly<z.infer<typeof verificationSchema>>;
