import { dueTick, type ScheduleRecord, tickSkipped } from "../../domain/schedule-record.ts";
import type { Schedules } from "../../store/schedules.ts";
import type { DurablePort } from "../durable-port.ts";
import type { Log } from "../log.ts";
import type { StartRun } from "./start-run.ts";

export interface RunSchedulesDeps {
  readonly schedules: Pick<Schedules, "list" | "update">;
  readonly startRun: StartRun;
  readonly log: Log;
  readonly now: () => Date;
}

/**
 * Each minute: begins the run of every schedule that is due. Times that were missed while nothing ran are one run, that
 * of the latest; a schedule whose last promotion has not ended leaves its time out, and its row says so.
 */
export function createRunSchedules(deps: RunSchedulesDeps): (durable: DurablePort) => Promise<void> {
  const { schedules, log } = deps;
  return async (durable) => {
    for (const record of await schedules.list()) {
      try {
        await look(deps, record, durable);
      } catch (thrown) {
        // The row says what is wrong with the schedule, or what is still to be begun: the next minute looks again.
        log("schedule-failed", { schedule: record.schedule.name, error: String(thrown) });
      }
    }
  };
}

async function look({ schedules, startRun, log, now }: RunSchedulesDeps, record: ScheduleRecord, durable: DurablePort) {
  const { name } = record.schedule;
  const tick = dueTick(record, now());
  if (tick === undefined && !record.isStarting) return;
  const state = await startRun.settle(record, durable);
  if (tick === undefined) return;
  const fields = { schedule: name, tick: tick.toISOString() };
  if (state === "running") {
    const reason = `the promotion ${record.lastRun?.promotionId} of the run before has not ended`;
    await schedules.update(name, (current) => tickSkipped(current, tick, reason));
    log("schedule-skipped", fields);
    return;
  }
  const begun = await startRun.begin(record, { at: tick, by: "timer" }, durable);
  log(begun === "busy" ? "schedule-begun-elsewhere" : "schedule-begun", fields);
}
