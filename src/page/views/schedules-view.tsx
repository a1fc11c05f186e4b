import type { ScheduleView } from "../../domain/schedule-record.ts";
import { useResource } from "../data/use-resource.ts";
import { Badge } from "../parts/badge.tsx";
import { EnableButton } from "../parts/enable-button.tsx";
import { SnapshotState } from "../parts/snapshot-state.tsx";
import { Time } from "../parts/time.tsx";
import { formatHash } from "../routing.ts";
import { readSchedule, writeSchedule } from "../schedule-form.ts";
import { LastRun } from "./last-run.tsx";

/** The schedules, by name, with when they run next and what came of the last time. */
export function SchedulesView() {
  const snapshot = useResource<{ readonly schedules: readonly ScheduleView[] }>("/api/schedules", () => "idle");
  const schedules = snapshot.value?.schedules;
  return (
    <>
      <div class="title">
        <h1>Schedules</h1>
        <a class="button primary" href={formatHash("schedule")}>
          Make a schedule
        </a>
      </div>
      <SnapshotState snapshot={snapshot} />
      {schedules?.length === 0 && (
        <p class="card">No schedule yet. A schedule imports at set times what has changed since the last time.</p>
      )}
      {schedules !== undefined && schedules.length > 0 && <ScheduleTable schedules={schedules} />}
    </>
  );
}

function ScheduleTable({ schedules }: { readonly schedules: readonly ScheduleView[] }) {
  return (
    <table class="rows">
      <caption class="unseen">Schedules by name</caption>
      <thead>
        <tr>
          <th scope="col">State</th>
          <th scope="col">Schedule</th>
          <th scope="col">Next run</th>
          <th scope="col">Last run</th>
          <th scope="col">Change</th>
        </tr>
      </thead>
      <tbody>
        {schedules.map((schedule) => (
          <tr key={schedule.name}>
            <td>
              <Badge text={schedule.enabled ? "Enabled" : "Disabled"} tone={schedule.enabled ? "good" : "neutral"} />
            </td>
            <td class="places">
              <a href={formatHash("schedule", schedule.name)}>{schedule.name}</a>
              <span class="to">
                <code>{schedule.cron}</code> {schedule.timeZone}: {schedule.source.registry}/
                {schedule.source.repositories.join(", ")} → {schedule.target.registry ?? "the service's default"}
              </span>
            </td>
            <td>
              <Time at={schedule.nextRuns[0]} />
            </td>
            <td>
              <LastRun schedule={schedule} />
            </td>
            <td>
              <EnableButton<ScheduleView>
                path={`/api/schedules/${schedule.name}`}
                name={schedule.name}
                isEnabled={schedule.enabled}
                toBody={(stored, enabled) => ({ ...writeSchedule(readSchedule(stored), stored), enabled })}
              />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
