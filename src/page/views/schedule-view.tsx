import type { ScheduleView as View } from "../../domain/schedule-record.ts";
import type { Snapshot } from "../data/resource.ts";
import { useAttempt } from "../data/use-attempt.ts";
import { useResource } from "../data/use-resource.ts";
import { ActionButton } from "../parts/action-button.tsx";
import { CheckField } from "../parts/check-field.tsx";
import { DefinitionEditor } from "../parts/definition-editor.tsx";
import { Differences, type FlatForm } from "../parts/differences.tsx";
import { Facts } from "../parts/facts.tsx";
import { FailedOutcome } from "../parts/failed-outcome.tsx";
import { SnapshotState } from "../parts/snapshot-state.tsx";
import { TextField } from "../parts/text-field.tsx";
import { Time } from "../parts/time.tsx";
import { formatHash } from "../routing.ts";
import { emptySchedule, readSchedule, type ScheduleForm, scheduleFieldOf, writeSchedule } from "../schedule-form.ts";
import { type DefinitionKind, useDefinition } from "../use-definition.ts";
import { useDraft } from "../use-draft.ts";
import { KeptSettings } from "./kept-settings.tsx";
import { isRunning, LastRun } from "./last-run.tsx";
import { SelectionFields, selectionLabels } from "./selection-fields.tsx";

/** A schedule to look at, to change and to run; without a name, one to make. */
export function ScheduleView({ name }: { readonly name: string }) {
  return <div class="form-view">{name === "" ? <NewSchedule /> : <StoredSchedule name={name} />}</div>;
}

function NewSchedule() {
  return (
    <>
      <h1>Make a schedule</h1>
      <ScheduleEditor newest={undefined} />
    </>
  );
}

function StoredSchedule({ name }: { readonly name: string }) {
  const path = `/api/schedules/${encodeURIComponent(name)}`;
  const snapshot = useResource<View>(path, (known) => (isRunning(known) ? "live" : "idle"));
  const { value: schedule } = snapshot;
  if (snapshot.isGone && schedule === undefined) {
    return (
      <>
        <h1>There is no schedule {name}</h1>
        <p role="status">
          It was deleted, or never there. <a href={formatHash("schedules")}>All schedules</a>
        </p>
      </>
    );
  }
  return (
    <>
      <h1>Schedule {name}</h1>
      {!snapshot.isGone && <SnapshotState snapshot={snapshot} />}
      {schedule !== undefined && (
        <>
          {!snapshot.isGone && <Runs schedule={schedule} path={path} />}
          <ScheduleEditor newest={snapshot} />
        </>
      )}
    </>
  );
}

function Runs({ schedule, path }: { readonly schedule: View; readonly path: string }) {
  const { isBusy, attempt, run } = useAttempt();
  return (
    <section class="card" aria-labelledby="runs-title">
      <h2 id="runs-title">Runs</h2>
      <Facts
        facts={[
          ["Next", schedule.nextRuns.length === 0 ? "none: it is disabled" : <NextRuns times={schedule.nextRuns} />],
          ["Last", <LastRun key="last" schedule={schedule} />],
        ]}
      />
      <div class="actions">
        <ActionButton
          isBusy={isBusy}
          onClick={() => run("Running it", { method: "POST", path: `${path}/run` }).catch(reportError)}
        >
          Run it now
        </ActionButton>
        {attempt !== undefined && <FailedOutcome {...attempt} />}
      </div>
    </section>
  );
}

function NextRuns({ times }: { readonly times: readonly string[] }) {
  return (
    <ul class="lines">
      {times.map((time) => (
        <li key={time}>
          <Time at={time} />
        </li>
      ))}
    </ul>
  );
}

const kind: DefinitionKind<View, ScheduleForm> = {
  ...{ one: "schedule", all: "schedules", write: writeSchedule, fieldOf: scheduleFieldOf },
  // Its ETag changes with its runs and with time, too; the service compares by what that says of the definition.
  isNewer: ({ value }, { stored }) => value !== undefined && stored !== undefined && value.updatedAt > stored.updatedAt,
};

/** `newest`: as it is stored now; undefined: it is one to make. */
function ScheduleEditor({ newest }: { readonly newest: Snapshot<View> | undefined }) {
  const draft = useDraft("schedule", newest?.value?.name ?? "", () => ({
    ...{ stored: newest?.value, etag: newest?.etag },
    form: newest?.value === undefined ? emptySchedule() : readSchedule(newest.value),
  }));
  const definition = useDefinition(kind, draft, newest);
  const { form, stored, faulty, fault, change } = definition;
  const mine = flatten(form);
  return (
    <DefinitionEditor
      definition={definition}
      differences={newest?.value && <Differences {...{ labels, stored: flatten(readSchedule(newest.value)), mine }} />}
      onRename={(name) => change({ ...form, name })}
      question="It forgets what it has imported; a promotion of it that runs goes on."
    >
      <TimeFields {...{ form, faulty, fault }} onChange={change} />
      <SelectionFields
        {...{ form: form.selection, tags: "selection", faulty, fault }}
        onChange={(selection) => change({ ...form, selection })}
      />
      <KeptSettings stored={stored} />
    </DefinitionEditor>
  );
}

function flatten({ name: _, selection, ...own }: ScheduleForm): FlatForm {
  return { ...own, ...selection };
}

interface TimeFieldsProps {
  readonly form: ScheduleForm;
  readonly onChange: (form: ScheduleForm) => void;
  readonly faulty: string | undefined;
  readonly fault: string | undefined;
}

interface TimeFieldLook {
  readonly name: "cron" | "timeZone" | "maxConcurrent";
  readonly label: string;
  readonly help: string;
}

const timeFields: readonly TimeFieldLook[] = [
  { name: "cron", label: "When", help: "minute hour day-of-month month day-of-week, e.g. 0 3 * * 1-5" },
  { name: "timeZone", label: "Time zone", help: "e.g. Europe/Berlin" },
  { name: "maxConcurrent", label: "Imports at once", help: "Empty: 50." },
];

const enabledLabel = "Enabled: it runs at its times";
const labels = {
  enabled: enabledLabel,
  ...Object.fromEntries(timeFields.map(({ name, label }) => [name, label])),
  ...selectionLabels,
};

function TimeFields({ form, onChange, faulty, fault }: TimeFieldsProps) {
  return (
    <>
      <CheckField
        name="enabled"
        label={enabledLabel}
        isChecked={form.enabled}
        onChange={(enabled) => onChange({ ...form, enabled })}
      />
      {timeFields.map((look) => (
        <TextField
          key={look.name}
          {...look}
          lines="one"
          value={form[look.name]}
          isRequired={look.name !== "maxConcurrent"}
          fault={faulty === look.name ? fault : undefined}
          onChange={(value) => onChange({ ...form, [look.name]: value })}
        />
      ))}
    </>
  );
}
