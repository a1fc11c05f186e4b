import type { ScheduleView } from "../../domain/schedule-record.ts";
import { describeCron } from "../cron-words.ts";
import { useResource } from "../data/use-resource.ts";
import { Badge } from "../parts/badge.tsx";
import { Empty } from "../parts/empty.tsx";
import { EnableButton } from "../parts/enable-button.tsx";
import { RowsTable } from "../parts/rows-table.tsx";
import { SnapshotState } from "../parts/snapshot-state.tsx";
import { Time } from "../parts/time.tsx";
import { formatHash } from "../routing.ts";
import { readSchedule, writeSchedule } from "../schedule-form.ts";
import { isRunning, LastRun } from "./last-run.tsx";

/** The schedules, by name, with when they run next and what came of the last time. */
export function SchedulesView() {
  const snapshot = useResource<{ readonly schedules: readonly ScheduleView[] }>("/api/schedules", (known) =>
    known?.schedules.some(isRunning) ? "live" : "idle",
  );
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
        <Empty title="No schedule yet.">A schedule imports at set times what has changed since the last time.</Empty>
      )}
      {schedules !== undefined && schedules.length > 0 && <ScheduleTable schedules={schedules} />}
    </>
  );
}

function Cron({ cron }: { readonly cron: string }) {
  const words = describeCron(cron);
  return words === undefined ? <code>{cron}</code> : <span title={cron}>{words}</span>;
}

const columns = [
  { name: "State", look: "state" },
  { name: "Schedule", look: "places" },
  { name: "Next run", look: "when" },
  { name: "Last run", look: "when" },
  { name: "Change", look: "short" },
] as const;

function ScheduleTable({ schedules }: { readonly schedules: readonly ScheduleView[] }) {
  return (
    <RowsTable
      caption="Schedules by name"
      columns={columns}
      rows={schedules.map((schedule) => ({
        key: schedule.name,
        cells: [
          <Badge
            key="state"
            text={schedule.enabled ? "Enabled" : "Disabled"}
            tone={schedule.enabled ? "good" : "neutral"}
          />,
          <>
            <a href={formatHash("schedule", schedule.name)}>{schedule.name}</a>
            <span class="to clamped">
              <Cron cron={schedule.cron} /> ({schedule.timeZone}): {schedule.source.registry}/
              {schedule.source.repositories.join(", ")} → {schedule.target.registry ?? "the service's default"}
            </span>
          </>,
          <Time key="next" at={schedule.nextRuns[0]} />,
          <LastRun key="last" schedule={schedule} />,
          <EnableButton<ScheduleView>
            key="change"
            path={`/api/schedules/${schedule.name}`}
            name={schedule.name}
            isEnabled={schedule.enabled}
            toBody={(stored, enabled) => ({ ...writeSchedule(readSchedule(stored), stored), enabled })}
          />,
        ],
      }))}
    />
  );
}
