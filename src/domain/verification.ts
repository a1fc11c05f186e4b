import { z } from "zod";
import { digestSchema } from "../digest.ts";

/** One thing in which two images differ, or that one side lacks. */
export const differenceSchema = z.strictObject({
  kind: z
    .enum(["digest", "mediaType", "child", "config", "layer", "missing", "corrupt", "referrer"])
    .describe(
      "digest: two documents differ. child: one side alone lists it. missing, corrupt: a side refers to it and does not hold it, or holds other content.",
    ),
  path: z.string().describe("Where in the image, e.g. linux/amd64 › layer 2."),
  digest: digestSchema.optional().describe("The content that is missing, corrupt or of one side alone."),
  source: z.string().optional().describe("What the source has: a digest or a media type. Absent: nothing."),
  target: z.string().optional().describe("The same of the target."),
  message: z.string(),
});
export type Difference = Readonly<z.infer<typeof differenceSchema>>;

const comparedSchema = z.strictObject({
  registry: z.string(),
  repository: z.string(),
  reference: z.string().describe("Tag or digest, as asked for."),
  digest: digestSchema.optional().describe("Absent: it is not there."),
  mediaType: z.string().optional(),
});

/** Answer of `POST /api/verify`. */
export const verificationSchema = z
  .strictObject({
    same: z.boolean(),
    source: comparedSchema,
    target: comparedSchema,
    differences: z.array(differenceSchema).describe("The first 200."),
    omittedDifferences: z.int().describe("How many more there are."),
    checked: z.strictObject({
      manifests: z.int().describe("Manifests that were read, on both sides together."),
      blobs: z.int().describe("Blobs that were looked for, on both sides together."),
      bytes: z.int().describe("Bytes of blobs that were read and hashed."),
    }),
    warnings: z.array(z.string()).describe("What a reader should know although it is no difference."),
  })
  .meta({ id: "Verification", description: "What two images have in common." });
export type Verification = Readonly<z.infer<typeof verificationSchema>>;

const maxDifferences = 200;
const maxWarnings = 50;

/** The answer, within its bounds. */
export function formatVerification({
  differences,
  warnings,
  ...rest
}: Omit<Verification, "same" | "omittedDifferences" | "differences" | "warnings"> & {
  readonly differences: readonly Difference[];
  readonly warnings: readonly string[];
}): Verification {
  return {
    same: differences.length === 0,
    ...rest,
    differences: differences.slice(0, maxDifferences),
    omittedDifferences: Math.max(0, differences.length - maxDifferences),
    warnings: warnings.slice(0, maxWarnings),
  };
}
