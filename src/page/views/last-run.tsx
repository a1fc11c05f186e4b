import type { ScheduleView } from "../../domain/schedule-record.ts";
import { Badge } from "../parts/badge.tsx";
import { Time } from "../parts/time.tsx";
import { formatHash } from "../routing.ts";
import { promotionLookOf } from "../tones.ts";

/** A run of it goes on. */
export function isRunning(schedule: ScheduleView | undefined): boolean {
  const state = schedule?.lastRun?.state;
  return state !== undefined && !promotionLookOf(state).hasEnded;
}

/** What came of a schedule the last time, and the newest time that it was left out, if that is later. */
export function LastRun({ schedule: { lastRun, lastSkip } }: { readonly schedule: ScheduleView }) {
  const isSkipNewer = lastSkip !== undefined && (lastRun === undefined || lastSkip.at > lastRun.at);
  return (
    <>
      {lastRun !== undefined && (
        <span>
          {lastRun.state !== undefined && <Badge text={lastRun.state} tone={promotionLookOf(lastRun.state).tone} />}{" "}
          <a href={formatHash("promotion", lastRun.promotionId)}>
            <Time at={lastRun.at} />
          </a>
          {lastRun.by === "request" && ", by hand"}
        </span>
      )}
      {isSkipNewer && (
        <span class="row-error">
          Left out <Time at={lastSkip.at} />: {lastSkip.reason}
        </span>
      )}
      {lastRun === undefined && lastSkip === undefined && "never"}
    </>
  );
}
