import { createImportId } from "../../domain/import-id.ts";
import type { PromotionRecord } from "../../domain/promotion-record.ts";
import {
  isUnderWay,
  runRefused,
  runStarted,
  runStarting,
  type ScheduleRecord,
  type ScheduleRun,
} from "../../domain/schedule-record.ts";
import type { Schedule } from "../../domain/schedule-schema.ts";
import { ImportError } from "../../errors.ts";
import type { Schedules } from "../../store/schedules.ts";
import type { DurablePort } from "../durable-port.ts";
import type { StartPromotion } from "../promotions/ports.ts";

export interface StartRunDeps {
  readonly schedules: Pick<Schedules, "update">;
  readonly startPromotion: StartPromotion;
  /** State of a promotion; undefined: it is not there. */
  readonly promotionState: (id: ScheduleRun["promotionId"]) => Promise<PromotionRecord["state"] | undefined>;
}

export interface StartRun {
  /** `running`: the promotion of the last run has not ended. What was written down and not begun is begun now. */
  readonly settle: (record: ScheduleRecord, durable: DurablePort) => Promise<"idle" | "running">;
  /** Begins a run; `busy`: another one has begun since `record` was read. Throws what its promotion is refused for. */
  readonly begin: (
    record: ScheduleRecord,
    cause: { readonly at: Date; readonly by: ScheduleRun["by"] },
    durable: DurablePort,
  ) => Promise<PromotionRecord | "busy">;
}

/**
 * Begins runs of schedules. A run is written into the row first, then its promotion is started under an id that is made
 * of the schedule and the time: whatever a crash leaves is begun again, and is the same promotion.
 */
export function createStartRun({ schedules, startPromotion, promotionState }: StartRunDeps): StartRun {
  const start = async (schedule: Schedule, { promotionId: id, at }: ScheduleRun, durable: DurablePort) => {
    const { name, enabled: _, cron: __, timeZone: ___, ...request } = schedule;
    const cause = { id, trigger: { kind: "schedule", ref: name }, causedAt: new Date(at), schedule: name } as const;
    try {
      const { record } = await startPromotion(request, cause, durable);
      await schedules.update(name, (current) => runStarted(current, id));
      return record;
    } catch (thrown) {
      if (thrown instanceof ImportError && !thrown.retryable)
        await schedules.update(name, (current) => runRefused(current, id, thrown.message));
      throw thrown;
    }
  };

  return {
    settle: async (record, durable) => {
      const { schedule, lastRun, isStarting } = record;
      if (lastRun === undefined) return "idle";
      if (isStarting) await start(schedule, lastRun, durable);
      return isUnderWay(await promotionState(lastRun.promotionId)) ? "running" : "idle";
    },
    begin: async (record, { at, by }, durable) => {
      const { name } = record.schedule;
      const promotionId = createImportId(at, JSON.stringify(["schedule", name, by, at.toISOString()]));
      const run: ScheduleRun = { at: at.toISOString(), by, promotionId };
      const isAsRead = ({ lastRun }: ScheduleRecord) => lastRun?.promotionId === record.lastRun?.promotionId;
      const begun = await schedules.update(name, (current) =>
        isAsRead(current) ? runStarting(current, run) : current,
      );
      if (begun?.lastRun?.promotionId !== promotionId) return "busy";
      return await start(begun.schedule, run, durable);
    },
  };
}
