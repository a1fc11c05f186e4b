import { digestOf } from "../src/digest.ts";
import { createImportId } from "../src/domain/import-id.ts";
import type { ImportPlan, Unit } from "../src/domain/import-plan.ts";
import type { ErrorCode, ImportErrorWire } from "../src/errors.ts";
import { type Course, type ImportImageInput, nothingWaited } from "../src/functions/orchestrators/input.ts";
import type { CheckedOutcome, Incomplete, ResolveOutcome, StepName, StepOutcome } from "../src/functions/steps.ts";

/** One import whose steps answer as its script says. */
export interface ReplayScenario {
  readonly name: string;
  readonly instanceId: string;
  readonly input: ImportImageInput;
  /** What the `nth` call (from 0) of a step for the same work returns; it may throw. */
  readonly script: (step: StepName, nth: number, input: unknown) => ResolveOutcome | CheckedOutcome;
  /** `held`: long timers never fire. */
  readonly timers: "fire" | "held";
  /** What happens once everything waits. */
  readonly meanwhile: "nothing" | "cancel";
}

const course: Course = {
  retry: { firstMs: 1_000, attempts: 3, backoff: 2, maxMs: 30_000 },
  maxActivities: 300,
  maxWaitSeconds: 7 * 3_600,
  maxUnreachableRounds: 2,
};

const importId = createImportId(new Date("2026-03-01T12:00:00.000Z"), "recorded");
const done = { kind: "done" } as const;
const more = { kind: "more" } as const;
const cancelled = { kind: "cancelled" } as const;

const unit = (n: number): Unit => ({
  n,
  blobs: [{ digest: digestOf(Buffer.from(`blob ${n}`)), sizeBytes: 1_000 + n, targets: [0] }],
});
const units = (count: number, first = 0) => Array.from({ length: count }, (_, at) => unit(first + at));
const level = (...names: readonly string[]) => names.map((name) => digestOf(Buffer.from(name)));
const plan = (changes: Partial<ImportPlan>): ImportPlan => ({
  ...{ v: 1, kind: "copy", units: [], large: [], levels: [] },
  ...changes,
});

const error = (code: ErrorCode, retryable = false): ImportErrorWire => ({
  code,
  message: `target t.example: ${code.toLowerCase()}`,
  retryable,
});
const failed = (code: ErrorCode) => ({ kind: "failed", error: error(code) }) as const;
const wait = (retryAfterSeconds: number, code: ErrorCode) =>
  ({ kind: "wait", retryAfterSeconds, error: error(code, true) }) as const;

type Script = Partial<Readonly<Record<StepName, (nth: number, input: unknown) => ResolveOutcome | CheckedOutcome>>>;

interface Sketch extends Partial<Pick<ReplayScenario, "timers" | "meanwhile">> {
  readonly course?: Partial<Course>;
}

/** A scenario in which every step is done at once, but for what `script` says. */
function scenario(name: string, planned: ImportPlan, script: Script, sketch: Sketch = {}): ReplayScenario {
  const { timers = "fire", meanwhile = "nothing" } = sketch;
  return {
    name,
    instanceId: `${importId}-1`,
    input: { v: 1, importId, attempt: 1, course: { ...course, ...sketch.course }, waited: nothingWaited, round: 0 },
    script: (step, nth, input) =>
      script[step]?.(nth, input) ?? (step === "resolveImport" ? { kind: "done", plan: planned } : done),
    timers,
    meanwhile,
  };
}

const incomplete = (repair: ImportPlan): Incomplete => ({
  kind: "incomplete",
  error: error("TARGET_CONTENT_MISSING"),
  repair,
});
/** What the first call finds missing is there for the second. */
const lacking = (repair: ImportPlan) => (nth: number) => (nth === 0 ? incomplete(repair) : done);

const polled = { kind: "wait", retryAfterSeconds: 5 } as const;
const single = plan({ kind: "single", units: units(1) });
const small = plan({ units: units(2) });

/** Every course that an import can take. */
export const replayScenarios: readonly ReplayScenario[] = [
  scenario("skip", plan({ kind: "skip" }), {}),
  scenario("single", single, {}),
  scenario("single-waits", single, { copyAndFinish: (nth) => (nth < 2 ? wait(90, "TARGET_RATE_LIMITED") : done) }),
  scenario("copy-levels", plan({ units: units(3), levels: [level("a", "b"), level("nested index")] }), {}),
  scenario("nothing-missing", plan({ levels: [level("a")] }), {}),
  scenario("large-blob", plan({ units: units(2), large: units(2, 2) }), {
    copyBlobSegment: (nth) => (nth < 3 ? more : done),
  }),
  scenario("sliced", plan({ units: units(7), large: [unit(7)] }), {}, { course: { maxActivities: 3 } }),
  scenario("wait-and-again", small, {
    resolveImport: (nth) => (nth === 0 ? wait(45, "SOURCE_RATE_LIMITED") : { kind: "done", plan: small }),
    copyBlobs: (nth, input) => {
      if (nth === 0) return wait(700, "TARGET_RATE_LIMITED");
      return nth === 1 && JSON.stringify(input).includes('"n":1') ? more : done;
    },
  }),
  scenario("gives-up-waiting", small, { copyBlobs: () => wait(10, "TARGET_UNAVAILABLE") }),
  scenario("resolve-fails", small, { resolveImport: () => failed("TARGET_TAG_EXISTS") }),
  scenario("unit-fails", plan({ units: units(3), large: [unit(3)] }), {
    copyBlobs: (_, input) => (JSON.stringify(input).includes('"n":1') ? failed("SOURCE_NOT_FOUND") : cancelled),
    copyBlobSegment: () => cancelled,
  }),
  scenario("tags-fail", small, { finishImport: atTags(failed("TARGET_LOCKED")) }),
  scenario("cancelled-before-tags", small, { finishImport: atTags(cancelled) }),
  scenario(
    "cancelled-asleep",
    small,
    { copyBlobs: () => wait(3_000, "TARGET_RATE_LIMITED") },
    { timers: "held", meanwhile: "cancel" },
  ),
  scenario(
    "full-while-resolving",
    single,
    { resolveImport: (nth) => (nth < 4 ? more : { kind: "done", plan: single }) },
    {
      course: { maxActivities: 3 },
    },
  ),
  scenario(
    "full-while-copying",
    plan({ units: units(2), levels: [level("a")] }),
    { copyBlobs: (nth) => (nth < 4 ? more : done) },
    {
      course: { maxActivities: 4 },
    },
  ),
  scenario(
    "full-while-publishing",
    plan({ units: units(2), levels: [level("a"), level("b"), level("c")] }),
    {},
    {
      course: { maxActivities: 4 },
    },
  ),
  scenario(
    "slice-full",
    plan({ units: units(4) }),
    { copyBlobs: (nth) => (nth < 3 ? more : done) },
    {
      course: { maxActivities: 3 },
    },
  ),
  scenario("step-fails-all-retries", small, {
    publishManifests: () => crash(),
    copyBlobs: (nth) => (nth < 2 ? crash() : done),
    finishImport: (nth) => (nth < 2 ? crash() : done),
    resolveImport: (nth) => (nth < 2 ? crash() : { kind: "done", plan: { ...small, levels: [level("a")] } }),
  }),
  scenario("delegated", plan({ kind: "delegate" }), { delegateImport: (nth) => (nth < 3 ? polled : done) }),
  scenario(
    "delegated-full",
    plan({ kind: "delegate" }),
    { delegateImport: (nth) => (nth < 4 ? polled : done) },
    { course: { maxActivities: 3 } },
  ),
  scenario(
    "delegated-cancelled-asleep",
    plan({ kind: "delegate" }),
    { delegateImport: () => polled },
    { timers: "held", meanwhile: "cancel" },
  ),
  scenario("delegated-cancelled-before-end", plan({ kind: "delegate" }), {
    finishImport: (_, input) => (JSON.stringify(input).includes('"kind":"delegated"') ? cancelled : done),
  }),
  scenario("finish-fails-all-retries", small, { finishImport: () => crash() }),
  scenario("verified", plan({ units: units(2), levels: [level("a")], verify: units(3) }), {
    verifyBlobs: (nth, input) => (nth === 0 && JSON.stringify(input).includes('"n":1') ? more : done),
  }),
  scenario("full-while-verifying", plan({ units: units(2), verify: units(5) }), {}, { course: { maxActivities: 3 } }),
  scenario("repaired-when-verified", plan({ units: units(2), verify: units(2) }), {
    verifyBlobs: (nth, input) =>
      nth === 0 && JSON.stringify(input).includes('"n":1') ? incomplete(plan({ units: [unit(1)] })) : done,
  }),
  scenario("repaired-when-published", plan({ units: units(1), levels: [level("a"), level("b")] }), {
    publishManifests: (nth, input) =>
      nth === 0 && JSON.stringify(input).includes(`["${level("b")[0]}"]`)
        ? incomplete(plan({ units: units(2, 5), levels: [level("child")] }))
        : done,
  }),
  scenario("repaired-when-tagged", plan({ units: units(2) }), {
    finishImport: lacking(plan({ units: units(1, 5) })),
  }),
  scenario("single-repaired", single, { copyAndFinish: lacking(plan({ units: units(1, 5) })) }),
  scenario(
    "many-repairs",
    small,
    { finishImport: lacking(plan({ units: units(5, 5) })) },
    { course: { maxActivities: 3 } },
  ),
  scenario("repaired-in-vain", small, { finishImport: atTags(incomplete(plan({ units: units(1, 5) }))) }),
];

/** What tagging returns; any other end of the import is written. */
function atTags(outcome: StepOutcome | Incomplete) {
  return (_: number, input: unknown) => (JSON.stringify(input).includes('"kind":"published"') ? outcome : done);
}

function crash(): never {
  throw new Error("storage: table Imports does not answer (503 ServerBusy)");
}
