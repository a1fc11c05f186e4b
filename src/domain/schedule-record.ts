import { z } from "zod";
import { latestTick, nextTicks } from "./cron.ts";
import { type ImportId, importIdSchema } from "./import-id.ts";
import { type PromotionState, promotionStateSchema } from "./promotion-record.ts";
import { type Schedule, scheduleSchema } from "./schedule-schema.ts";

const isoTimeSchema = z.iso.datetime();
const maxReasonChars = 1_000;

const runSchema = z.strictObject({
  /** The time that was due, or that of the request to run now: the cause of the promotion. */
  at: isoTimeSchema,
  by: z.enum(["timer", "request"]),
  promotionId: importIdSchema,
});
export type ScheduleRun = Readonly<z.infer<typeof runSchema>>;

/** A schedule as table `Schedules` holds it. */
export const scheduleRecordSchema = z.strictObject({
  v: z.literal(1),
  schedule: scheduleSchema,
  createdAt: isoTimeSchema,
  updatedAt: isoTimeSchema,
  /** What was due until then is done with: run, skipped, or before the schedule was as it is now. */
  after: isoTimeSchema,
  lastRun: runSchema.optional(),
  /** `lastRun` is written down and its promotion not yet begun for sure: it is begun again, which changes nothing. */
  isStarting: z.boolean(),
  lastSkip: z.strictObject({ at: isoTimeSchema, reason: z.string().max(maxReasonChars) }).optional(),
});
export type ScheduleRecord = Readonly<z.infer<typeof scheduleRecordSchema>>;

/*
 * Every change of a schedule's record. Each is pure, and returns the very record it was given when there is nothing to
 * change.
 */

export function newSchedule(schedule: Schedule, now: Date): ScheduleRecord {
  const at = now.toISOString();
  return { v: 1, schedule, createdAt: at, updatedAt: at, after: at, isStarting: false };
}

/** Another definition under the same name. Only a new timetable, or being enabled, makes it forget what was due. */
export function redefined(record: ScheduleRecord, schedule: Schedule, now: Date): ScheduleRecord {
  const { cron, timeZone, enabled } = record.schedule;
  const isSameTable = schedule.cron === cron && schedule.timeZone === timeZone && schedule.enabled === enabled;
  const at = now.toISOString();
  return { ...record, schedule, updatedAt: at, after: isSameTable ? record.after : at };
}

/** A run is about to begin. */
export function runStarting(record: ScheduleRecord, run: ScheduleRun): ScheduleRecord {
  const after = run.by === "timer" ? run.at : record.after;
  return { ...record, lastRun: run, isStarting: true, after };
}

/** The promotion of the run is there. */
export function runStarted(record: ScheduleRecord, promotionId: ImportId): ScheduleRecord {
  if (!record.isStarting || record.lastRun?.promotionId !== promotionId) return record;
  return { ...record, isStarting: false };
}

/** The promotion cannot be: the selection or the settings must be changed first. */
export function runRefused(record: ScheduleRecord, promotionId: ImportId, reason: string): ScheduleRecord {
  const { lastRun, ...rest } = record;
  if (!record.isStarting || lastRun?.promotionId !== promotionId) return record;
  return { ...rest, isStarting: false, lastSkip: { at: lastRun.at, reason: reason.slice(0, maxReasonChars) } };
}

/** What was due at `tick` is left out. */
export function tickSkipped(record: ScheduleRecord, tick: Date, reason: string): ScheduleRecord {
  if (tick.toISOString() <= record.after) return record;
  const at = tick.toISOString();
  return { ...record, after: at, lastSkip: { at, reason } };
}

/** The time for which a run is due now; however many were missed, it is one. */
export function dueTick({ schedule, after }: ScheduleRecord, now: Date): Date | undefined {
  return schedule.enabled ? latestTick(schedule, new Date(after), now) : undefined;
}

/** Whether a promotion still runs; one that was deleted does not. */
export function isUnderWay(state: PromotionState | undefined): boolean {
  return state !== undefined && state !== "Succeeded" && state !== "Failed" && state !== "Cancelled";
}

/** A schedule as the API answers it. */
export const scheduleViewSchema = scheduleSchema
  .extend({
    nextRuns: z.array(isoTimeSchema).describe("The next three times; none while it is disabled."),
    lastRun: z
      .strictObject({
        at: isoTimeSchema.describe("The time that was due, or that of the request to run now."),
        by: z.enum(["timer", "request"]),
        promotionId: importIdSchema,
        promotionUrl: z.url(),
        state: promotionStateSchema.optional().describe("Of the promotion; absent when it is not there (any more)."),
      })
      .optional(),
    lastSkip: z
      .strictObject({ at: isoTimeSchema, reason: z.string() })
      .optional()
      .describe("The newest time that was due and left out, and why."),
    createdAt: isoTimeSchema,
    updatedAt: isoTimeSchema,
    links: z.strictObject({ self: z.url(), run: z.url() }),
  })
  .meta({ id: "Schedule", description: "A schedule, and what has become of it." });
export type ScheduleView = Readonly<z.infer<typeof scheduleViewSchema>>;

export interface ScheduleViewContext {
  /** State of the last run's promotion. */
  readonly lastState: PromotionState | undefined;
  readonly baseUrl: string;
  readonly now: Date;
}

const shownTicks = 3;

export function formatSchedule(record: ScheduleRecord, { lastState, baseUrl, now }: ScheduleViewContext): ScheduleView {
  const { schedule, lastRun, lastSkip, createdAt, updatedAt } = record;
  const self = `${baseUrl}/api/schedules/${schedule.name}`;
  const ticks = schedule.enabled ? nextTicks(schedule, now, shownTicks) : [];
  return {
    ...schedule,
    nextRuns: ticks.map((tick) => tick.toISOString()),
    ...(lastRun && {
      lastRun: {
        ...lastRun,
        promotionUrl: `${baseUrl}/api/promotions/${lastRun.promotionId}`,
        ...(lastState && { state: lastState }),
      },
    }),
    ...(lastSkip && { lastSkip }),
    createdAt,
    updatedAt,
    links: { self, run: `${self}/run` },
  };
}
