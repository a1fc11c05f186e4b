import { z } from "zod";
import { promotionIdSchema } from "../../domain/promotion-record.ts";
import { promotionEndSchema, windowSchema } from "../promotions/promotion-steps.ts";
import { selectionCursorSchema } from "../promotions/selection-page.ts";
import { courseSchema, waitedSchema } from "./input.ts";

/** What is to be done next. `isExpanded`: no selection is left to be listed after the reset. */
const promotePhaseSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("reset"), after: z.string(), isExpanded: z.boolean() }),
  z.object({ kind: z.literal("expand"), cursor: selectionCursorSchema.optional(), found: z.int().min(0) }),
  z.object({ kind: z.literal("window"), window: windowSchema }),
  z.object({ kind: z.literal("finish"), end: promotionEndSchema }),
]);
export type PromotePhase = Readonly<z.infer<typeof promotePhaseSchema>>;

export const promoteInputSchema = z.object({
  v: z.literal(1),
  promotionId: promotionIdSchema,
  attempt: z.int().min(1),
  /** `maxActivities` counts the rounds of one instance. */
  course: courseSchema,
  waited: waitedSchema,
  /** Between two looks at the window, unless a look asks for the next one sooner. */
  tickSeconds: z.number().min(0),
  phase: promotePhaseSchema,
});
export type PromoteInput = Readonly<z.infer<typeof promoteInputSchema>>;
