import { z } from "zod";
import { importRequestSchema } from "./import-request-schema.ts";
import { namingSchema } from "./naming.ts";
import { repositoryGlobsSchema, tagSelectionSchema } from "./selector.ts";

const maxItems = 1_000;
/** Longest promotion request in UTF-16 characters: a thousand items of some hundred characters. */
export const maxPromotionChars = 1_000_000;

const registryNameSchema = z.string().min(1).max(300);

/** What an import request says of how to copy; the same for every item that does not say otherwise. */
export const howShape = importRequestSchema.pick({
  conflict: true,
  platforms: true,
  sparseIndex: true,
  referrers: true,
  foreignLayers: true,
  verify: true,
  strategy: true,
  timeoutSeconds: true,
  labels: true,
}).shape;

/** Repositories and tags of one registry. */
export const selectedSourceSchema = z.strictObject({
  registry: registryNameSchema.describe("Host, alias or bare name of the source registry."),
  repositories: repositoryGlobsSchema.describe(
    "Names, globs (team/*, team/**) or prefixes (team/). Globs need a registry that lists its repositories.",
  ),
  tags: tagSelectionSchema.default({}).describe("Which tags of them. Default: all."),
});

export const namedTargetSchema = z.strictObject({
  registry: registryNameSchema.optional().describe("Host, alias or bare name. Default: DEFAULT_TARGET."),
  ...namingSchema.shape,
});

/** What promotions, schedules and nothing else share: a selection of many images and how they are copied. */
export const selectionSchema = z.strictObject({
  source: selectedSourceSchema,
  target: namedTargetSchema.prefault({}),
  ...howShape,
});
export type Selection = Readonly<z.infer<typeof selectionSchema>>;

/** An item of its own words: an import request that a promotion may hold. */
const promotionItemRequestSchema = importRequestSchema.omit({ dryRun: true, mode: true });

const maxConcurrentSchema = z
  .int()
  .min(1)
  .max(500)
  .optional()
  .describe("How many imports of the promotion are queued or running at once. Default: 50.");

const dryRunSchema = z
  .boolean()
  .optional()
  .describe("Answer with the images that would be imported, and write nothing.");

/** A list. */
export const itemsRequestSchema = z.strictObject({
  items: z.array(promotionItemRequestSchema).min(1).max(maxItems).describe("Imports, each with words of its own."),
  ...howShape,
  maxConcurrent: maxConcurrentSchema,
  dryRun: dryRunSchema,
});

/** A selection. */
export const selectionRequestSchema = selectionSchema.extend({
  maxConcurrent: maxConcurrentSchema,
  dryRun: dryRunSchema,
});

/** Body of `POST /api/promotions`: either `items`, or a selection. */
export const promotionRequestSchema = z.union([itemsRequestSchema, selectionRequestSchema]).meta({
  id: "PromotionRequest",
  type: "object",
  description: "Many imports as one: a list, or a selection of repositories and tags.",
});
export type PromotionRequest = Readonly<z.infer<typeof promotionRequestSchema>>;

/** What a promotion keeps of its request: a list's items are rows of their own. */
export const keptRequestSchema = z.union([
  selectionRequestSchema.omit({ dryRun: true }),
  itemsRequestSchema.omit({ dryRun: true, items: true }),
]);
export type KeptRequest = Readonly<z.infer<typeof keptRequestSchema>>;
