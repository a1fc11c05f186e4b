import { createImportId } from "../src/domain/import-id.ts";
import { type Course, nothingWaited } from "../src/functions/orchestrators/input.ts";
import type { PromoteInput, PromotePhase } from "../src/functions/orchestrators/promote-input.ts";

/** One promotion whose steps answer as its script says. */
interface PromoteScenario {
  readonly name: string;
  readonly instanceId: string;
  readonly input: PromoteInput;
  /** What the `nth` call (from 0) of a step with the same input returns; it may throw. */
  readonly script: (step: string, nth: number, input: unknown) => unknown;
  readonly timers: "fire" | "held";
  readonly meanwhile: "nothing" | "cancel";
}

const course: Course = {
  retry: { firstMs: 1_000, attempts: 3, backoff: 2, maxMs: 30_000 },
  maxActivities: 50,
  maxWaitSeconds: 7 * 3_600,
  maxUnreachableRounds: 2,
};
const promotionId = createImportId(new Date("2026-03-01T12:00:00.000Z"), "promoted");
const done = { kind: "done" } as const;
const failed = (code: string) => ({
  kind: "failed",
  error: { code, message: `source s.example: ${code}`, retryable: false },
});
const wait = {
  kind: "wait",
  retryAfterSeconds: 45,
  error: { ...failed("SOURCE_RATE_LIMITED").error, retryable: true },
};

const window: PromotePhase = { kind: "window", window: { oldest: "", newest: "" } };
const expand: PromotePhase = { kind: "expand", found: 0 };

type Script = Readonly<Record<string, (nth: number, input: unknown) => unknown>>;
interface Sketch extends Partial<Pick<PromoteScenario, "timers" | "meanwhile">> {
  readonly maxActivities?: number;
}

function scenario(name: string, phase: PromotePhase, script: Script, sketch: Sketch = {}): PromoteScenario {
  const { timers = "fire", meanwhile = "nothing", maxActivities = 50 } = sketch;
  const attempt = phase.kind === "reset" ? 2 : 1;
  return {
    name,
    instanceId: `promotion-${promotionId}-${attempt}`,
    input: {
      ...{ v: 1, promotionId, attempt, waited: nothingWaited, tickSeconds: 2, phase },
      course: { ...course, maxActivities },
    },
    script: (step, nth, input) => script[step]?.(nth, input) ?? done,
    timers,
    meanwhile,
  };
}

/** A window that moves by one key per look, `looks` times. */
function looks(count: number) {
  return (_: number, input: unknown) => {
    const [, newest = ""] = /"newest":"(\d*)"/.exec(JSON.stringify(input)) ?? [];
    const at = newest === "" ? 0 : Number(newest) + 1;
    return at < count ? { kind: "running", window: { oldest: newest, newest: String(at).padStart(4, "0") } } : done;
  };
}

/** Every course that a promotion can take. */
export const promoteScenarios: readonly PromoteScenario[] = [
  scenario("list", window, { advancePromotion: looks(2) }),
  scenario("selection", expand, {
    expandPromotion: (_, input) =>
      JSON.stringify(input).includes("cursor") ? done : { kind: "next", cursor: { v: 1, named: 1 }, found: 500 },
    advancePromotion: looks(1),
  }),
  scenario("selection-waits", expand, { expandPromotion: (nth) => (nth === 0 ? wait : done) }),
  scenario("selection-fails", expand, { expandPromotion: () => failed("SOURCE_NOT_FOUND") }),
  scenario("cancelled-while-expanding", expand, { expandPromotion: () => ({ kind: "cancelled" }) }),
  scenario(
    "retried",
    { kind: "reset", after: "", isExpanded: true },
    {
      resetPromotion: (_, input) =>
        JSON.stringify(input).includes('"after":""') ? { kind: "next", after: "0199" } : done,
      advancePromotion: looks(1),
    },
  ),
  scenario("retried-selection", { kind: "reset", after: "", isExpanded: false }, {}),
  scenario("many-rounds", window, { advancePromotion: looks(7) }, { maxActivities: 3 }),
  scenario("asks-for-an-early-look", window, {
    advancePromotion: (nth) =>
      nth === 0
        ? { kind: "running", window: { oldest: "0000", newest: "0024", apart: ["0003"] }, lookAgainSeconds: 0.25 }
        : done,
  }),
  scenario(
    "cancelled-asleep",
    window,
    { advancePromotion: (nth) => (nth === 0 ? { kind: "running", window: { oldest: "", newest: "" } } : done) },
    { timers: "held", meanwhile: "cancel" },
  ),
  scenario("deleted-meanwhile", window, { advancePromotion: () => ({ kind: "cancelled" }) }),
  scenario("step-fails-all-retries", window, { advancePromotion: () => crash() }),
];

function crash(): never {
  throw new Error("storage: table PromotionItems does not answer (503 ServerBusy)");
}
