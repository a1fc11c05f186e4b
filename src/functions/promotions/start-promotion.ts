import type { RequestSettings } from "../../domain/import-request.ts";
import type { ImportSpec } from "../../domain/import-spec.ts";
import type { PromotionRecord } from "../../domain/promotion-record.ts";
import { isSelection, type ParsedPromotion, parsePromotionRequest, textsOf } from "../../domain/promotion-request.ts";
import { ImportError } from "../../errors.ts";
import type { PromotionItems } from "../../store/promotion-items.ts";
import type { Promotions } from "../../store/promotions.ts";
import type { DurablePort } from "../durable-port.ts";
import { type Course, nothingWaited } from "../orchestrators/input.ts";
import type { PromoteInput, PromotePhase } from "../orchestrators/promote-input.ts";
import { newItem } from "./expand-promotion.ts";
import type { PromotionCause, StartedPromotion, StartPromotion } from "./ports.ts";

export interface StartPromotionDeps {
  readonly promotions: Pick<Promotions, "read" | "insert" | "insertOpen">;
  readonly items: Pick<PromotionItems, "insert">;
  /** Throws HOST_NOT_ALLOWED. */
  readonly assertAllowed: (spec: ImportSpec) => void;
  readonly settings: RequestSettings;
  readonly course: Course;
  readonly tickSeconds: number;
  readonly now: () => Date;
}

/** Registered name of the orchestration. */
export const promoteName = "promote";

/** Rounds of one instance: its history is replayed at each. */
const maxRounds = 50;

export interface PromotionStarter {
  /** See {@link parsePromotionRequest}. */
  readonly parse: (body: unknown, cause: Pick<PromotionCause, "schedule">) => ParsedPromotion;
  readonly startParsed: (
    parsed: ParsedPromotion,
    cause: PromotionCause,
    durable: DurablePort,
  ) => Promise<StartedPromotion>;
  readonly start: StartPromotion;
  /** Starts the attempt of a record that has not ended; one that runs already is as good. */
  readonly startInstance: (record: PromotionRecord, durable: DurablePort) => Promise<void>;
}

/**
 * Makes a promotion durable, then starts it: its mark among the unfinished, its items if it brings them, its record, its
 * orchestration. A crash leaves a mark without a record, which the sweep clears away with the items, or a record that the
 * sweep starts. A repeat of the same cause goes on where the first one stopped.
 */
export function createStartPromotion(deps: StartPromotionDeps): PromotionStarter {
  const { promotions, items, assertAllowed, course, tickSeconds, now } = deps;

  const parse: PromotionStarter["parse"] = (body, cause) =>
    parsePromotionRequest(body, { ...settingsFor(deps.settings, cause), assertAllowed });

  const startInstance: PromotionStarter["startInstance"] = async (record, durable) => {
    const { id: promotionId, attempt } = record;
    const input: PromoteInput = {
      ...{ v: 1, promotionId, attempt, waited: nothingWaited, tickSeconds },
      course: { ...course, maxActivities: maxRounds },
      phase: firstPhase(record),
    };
    await durable.start(promoteName, promotionInstanceId(record), input);
  };

  const startParsed: PromotionStarter["startParsed"] = async (parsed, cause, durable) => {
    const record = newRecord(parsed, cause);
    const { id, attempt } = record;
    const there = await promotions.read(id);
    if (there === undefined) {
      await promotions.insertOpen({ id, attempt, createdAt: now().toISOString() });
      await items.insert((parsed.specs ?? []).map((spec, at) => listItem(record, spec, at)));
    }
    const inserted = there?.record ?? (await promotions.insert(record));
    const current = inserted === "inserted" ? record : inserted;
    if (current.state === "Accepted") await startInstance(current, durable);
    return { record: current, isNew: inserted === "inserted" };
  };

  return {
    parse,
    startParsed,
    startInstance,
    start: async (request, cause, durable) => {
      const parsed = parse(request, cause);
      if (parsed.dryRun) throw noDryRun();
      return await startParsed(parsed, cause, durable);
    },
  };
}

/** The orchestration instance of an attempt. */
export function promotionInstanceId({ id, attempt }: Pick<PromotionRecord, "id" | "attempt">): string {
  return `promotion-${id}-${attempt}`;
}

/** A schedule brings its own default of `conflict`. */
export function settingsFor(
  settings: RequestSettings,
  { schedule }: { readonly schedule?: string | undefined },
): RequestSettings {
  return { ...settings, defaultConflict: schedule === undefined ? "skipIfSame" : "overwrite" };
}

function newRecord({ request }: ParsedPromotion, { id, trigger, causedAt, schedule }: PromotionCause): PromotionRecord {
  return {
    ...{ v: 1, id, state: "Accepted", trigger, request, attempt: 1, warnings: [] },
    ...(schedule !== undefined && { schedule }),
    isExpanded: !isSelection(request),
    createdAt: causedAt.toISOString(),
  };
}

function listItem(record: PromotionRecord, spec: ImportSpec, at: number) {
  return newItem(record, String(at).padStart(4, "0"), { content: { kind: "spec", spec }, ...textsOf(spec) });
}

function firstPhase({ attempt, isExpanded }: PromotionRecord): PromotePhase {
  if (attempt > 1) return { kind: "reset", after: "", isExpanded };
  return isExpanded ? { kind: "window", window: { oldest: "", newest: "" } } : { kind: "expand", found: 0 };
}

function noDryRun(): ImportError {
  return new ImportError({
    code: "INVALID_REQUEST",
    stage: "accept",
    property: "dryRun",
    what: "dryRun: goes with POST /api/promotions only",
  });
}
