import { z } from "zod";
import { digestSchema } from "../digest.ts";
import { importIdSchema } from "../domain/import-id.ts";
import { importPlanSchema, unitSchema } from "../domain/import-plan.ts";
import { importErrorWireSchema, keptErrorSchema } from "../errors.ts";

/**
 * A durable function that an orchestrator calls: its registered name with the types of what goes in and comes out.
 * Histories hold names and inputs, so neither changes meaning once released: a new shape gets a new `v`. While a
 * deployment takes turns, a step of the former version is handed inputs of the next one, and leaves out the fields that
 * it does not know: a new one must be one that may be left out.
 */
export interface Step<Input, Output> {
  readonly name: string;
  /** Never set: carries the types. */
  readonly types?: (input: Input) => Output;
}

const stepFields = { v: z.literal(1), importId: importIdSchema, attempt: z.int().min(1) };

export const stepInputSchema = z.object(stepFields);
export type StepInput = Readonly<z.infer<typeof stepInputSchema>>;

/**
 * `round` counts from 0 how often this unit was handed out before. `isRepeated`: a call of before has sent content of it,
 * and was cut off; absent in histories of before, where every round but the first counts as that. `isRepair`: the target
 * lacks what it was believed to have; neither its HEAD nor a mount is trusted.
 */
export const copyInputSchema = z.object({
  ...stepFields,
  unit: unitSchema,
  round: z.int().min(0),
  isRepeated: z.boolean().optional(),
  isRepair: z.literal(true).optional(),
});
export type CopyInput = Readonly<z.infer<typeof copyInputSchema>>;

export const verifyInputSchema = z.object({ ...stepFields, unit: unitSchema, round: z.int().min(0) });
export type VerifyInput = Readonly<z.infer<typeof verifyInputSchema>>;

export const copyAndFinishInputSchema = z.object({
  ...stepFields,
  plan: importPlanSchema,
  round: z.int().min(0),
  isRepeated: z.boolean().optional(),
});
export type CopyAndFinishInput = Readonly<z.infer<typeof copyAndFinishInputSchema>>;

export const publishInputSchema = z.object({
  ...stepFields,
  digests: z.array(digestSchema).min(1).max(100),
  round: z.int().min(0),
});
export type PublishInput = Readonly<z.infer<typeof publishInputSchema>>;

/** `round` counts from 0 how often ACR was asked how far it is. */
export const delegateInputSchema = z.object({ ...stepFields, round: z.int().min(0) });
export type DelegateInput = Readonly<z.infer<typeof delegateInputSchema>>;

/**
 * How an import ends; `published` means that everything below the root manifest is in place, `delegated` that ACR has
 * put the tags, too.
 */
export const importEndSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("published") }),
  z.object({ kind: z.literal("delegated") }),
  z.object({ kind: z.literal("skipped") }),
  z.object({ kind: z.literal("failed"), error: keptErrorSchema }),
  z.object({ kind: z.literal("cancelled") }),
]);
export type ImportEnd = Readonly<z.infer<typeof importEndSchema>>;

export const finishInputSchema = z.object({ ...stepFields, end: importEndSchema, round: z.int().min(0) });
export type FinishInput = Readonly<z.infer<typeof finishInputSchema>>;

const failedSchema = z.strictObject({ kind: z.literal("failed"), error: importErrorWireSchema });
const waitSchema = z.strictObject({
  kind: z.literal("wait"),
  retryAfterSeconds: z.number().min(0),
  /** What the import fails with when waiting does not help. Absent: another import is copying the same blob. */
  error: importErrorWireSchema.optional(),
  /** Content was being sent when that came up; absent: nothing is to be gone on with. */
  isCut: z.literal(true).optional(),
});
const moreSchema = z.strictObject({ kind: z.literal("more") });
const cancelledSchema = z.strictObject({ kind: z.literal("cancelled") });

/**
 * What every step returns. `failed` is permanent: the import ends here. `wait`: a registry asks to wait. `more`:
 * progress is stored, call again. `cancelled`: cancelled, or another step failed for good.
 */
export const stepOutcomeSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("done") }),
  failedSchema,
  waitSchema,
  moreSchema,
  cancelledSchema,
]);
export type StepOutcome = Readonly<z.infer<typeof stepOutcomeSchema>>;

const resolveOutcomeSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("done"), plan: importPlanSchema }),
  failedSchema,
  waitSchema,
  moreSchema,
  cancelledSchema,
]);
export type ResolveOutcome = Readonly<z.infer<typeof resolveOutcomeSchema>>;

/** What was believed to be at the target is not: `repair` copies and publishes it again, `error` is for a second time. */
const incompleteSchema = z.strictObject({
  kind: z.literal("incomplete"),
  error: importErrorWireSchema,
  repair: importPlanSchema,
});
export type Incomplete = Readonly<z.infer<typeof incompleteSchema>>;

/** Outcome of the steps that find out what the target really has. */
export type CheckedOutcome = StepOutcome | Incomplete;

export type Unfinished = Exclude<StepOutcome, { kind: "done" }>;

const step = <Input, Output>(name: string): Step<Input, Output> => ({ name });

export const steps = {
  resolveImport: step<StepInput, ResolveOutcome>("resolveImport"),
  copyBlobs: step<CopyInput, StepOutcome>("copyBlobs"),
  copyBlobSegment: step<CopyInput, StepOutcome>("copyBlobSegment"),
  verifyBlobs: step<VerifyInput, CheckedOutcome>("verifyBlobs"),
  publishManifests: step<PublishInput, CheckedOutcome>("publishManifests"),
  delegateImport: step<DelegateInput, StepOutcome>("delegateImport"),
  copyAndFinish: step<CopyAndFinishInput, CheckedOutcome>("copyAndFinish"),
  finishImport: step<FinishInput, CheckedOutcome>("finishImport"),
} as const;
export type StepName = keyof typeof steps;
