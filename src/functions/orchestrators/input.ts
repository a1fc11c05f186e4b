import { z } from "zod";
import { importIdSchema } from "../../domain/import-id.ts";
import { importPlanSchema, unitSchema } from "../../domain/import-plan.ts";
import { importEndSchema } from "../steps.ts";

/**
 * Everything an orchestration's course depends on comes with its input, so that a setting changed between two replays
 * cannot make them differ.
 */
export const courseSchema = z.object({
  retry: z.object({
    firstMs: z.int().min(1),
    attempts: z.int().min(1),
    backoff: z.number().min(1),
    maxMs: z.int().min(1),
  }),
  /** Activities one instance may call before it continues as new: history is replayed at every step. */
  maxActivities: z.int().min(1),
  /** Seconds that may be spent waiting for a registry that asks to wait. */
  maxWaitSeconds: z.int().min(0),
  /** Rounds in a row that may end with a registry unreachable. */
  maxUnreachableRounds: z.int().min(0),
  /** Steps are told whether they were cut off before. Absent: it was begun by a version that only counted rounds. */
  tellsCuts: z.literal(true).optional(),
});
export type Course = Readonly<z.infer<typeof courseSchema>>;

/** What has been used up of the course so far; carried over when an instance continues as new. */
export const waitedSchema = z.object({ waitedSeconds: z.number(), unreachableRounds: z.int() });
export type Waited = Readonly<z.infer<typeof waitedSchema>>;

export const nothingWaited: Waited = { waitedSeconds: 0, unreachableRounds: 0 };

const commonFields = {
  v: z.literal(1),
  importId: importIdSchema,
  attempt: z.int().min(1),
  course: courseSchema,
  waited: waitedSchema,
};

/**
 * `plan`: what is left to do of it, once resolved. `round`: how often its units were handed out before. `end`: how the
 * import ends, when all that is left is to write that. `isRepeated`: units of the plan were cut off. `isRepaired`: the target lacked what it was believed to have, and
 * the plan begins with that; a second time is the end.
 */
export const importImageInputSchema = z.object({
  ...commonFields,
  plan: importPlanSchema.optional(),
  round: z.int().min(0),
  isRepeated: z.literal(true).optional(),
  end: importEndSchema.optional(),
  isRepaired: z.literal(true).optional(),
});
export type ImportImageInput = Readonly<z.infer<typeof importImageInputSchema>>;

export const copyUnitsInputSchema = z.object({
  ...commonFields,
  units: z.array(unitSchema),
  round: z.int().min(0),
  isRepeated: z.literal(true).optional(),
});
export type CopyUnitsInput = Readonly<z.infer<typeof copyUnitsInputSchema>>;

/** For the inputs of steps: whether they were cut off before, where the course has that told. */
export function repeated({ course, isRepeated }: Pick<ImportImageInput, "course" | "isRepeated">) {
  return course.tellsCuts === true ? { isRepeated: isRepeated === true } : {};
}

/** For the next generation: whether any of what is left was cut off. Which of it, is not worth keeping. */
export function anyRepeated(left: readonly { readonly isRepeated?: boolean | undefined }[]) {
  return left.some(({ isRepeated }) => isRepeated) ? ({ isRepeated: true } as const) : {};
}
