import { useState } from "preact/hooks";
import type { ScheduleView as View } from "../../domain/schedule-record.ts";
import type { Snapshot } from "../data/resource.ts";
import { useAttempt } from "../data/use-attempt.ts";
import { useIsMounted } from "../data/use-is-mounted.ts";
import { useResource } from "../data/use-resource.ts";
import { ActionButton } from "../parts/action-button.tsx";
import { CheckField } from "../parts/check-field.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { DefinitionEditor } from "../parts/definition-editor.tsx";
import { Facts } from "../parts/facts.tsx";
import { FailedOutcome } from "../parts/failed-outcome.tsx";
import { SnapshotState } from "../parts/snapshot-state.tsx";
import { TextField } from "../parts/text-field.tsx";
import { Time } from "../parts/time.tsx";
import { formatHash, navigate } from "../routing.ts";
import { emptySchedule, readSchedule, type ScheduleForm, scheduleFieldOf, writeSchedule } from "../schedule-form.ts";
import { isRunning, LastRun } from "./last-run.tsx";
import { SelectionFields } from "./selection-fields.tsx";

/** A schedule to look at, to change and to run; without a name, one to make. */
export function ScheduleView({ name }: { readonly name: string }) {
  return <div class="form-view">{name === "" ? <NewSchedule /> : <StoredSchedule name={name} />}</div>;
}

function NewSchedule() {
  return (
    <>
      <h1>Make a schedule</h1>
      <ScheduleEditor stored={undefined} newest={undefined} onReload={() => {}} />
    </>
  );
}

function StoredSchedule({ name }: { readonly name: string }) {
  const path = `/api/schedules/${encodeURIComponent(name)}`;
  const snapshot = useResource<View>(path, (known) => (isRunning(known) ? "live" : "idle"));
  const [reloads, setReloads] = useState(0);
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
          <ScheduleEditor
            key={reloads}
            stored={schedule}
            newest={snapshot}
            onReload={() => setReloads((count) => count + 1)}
          />
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

interface ScheduleEditorProps {
  /** As it is stored now; the form begins with what this was when it was made. */
  readonly stored: View | undefined;
  readonly newest: Snapshot<View> | undefined;
  readonly onReload: () => void;
}

function ScheduleEditor({ stored, newest, onReload }: ScheduleEditorProps) {
  const { isBusy, attempt, run } = useAttempt();
  const isMounted = useIsMounted();
  const isGone = newest?.isGone ?? false;
  // The service compares by what its ETag says of the definition: runs and the passing of time do not count.
  const [base, setBase] = useState({ schedule: stored, etag: newest?.etag });
  const [name, setName] = useState(stored?.name ?? "");
  const [form, setForm] = useState(stored === undefined ? emptySchedule : () => readSchedule(stored));
  const problem = attempt?.outcome.kind === "refused" ? attempt.outcome.problem : undefined;
  const faulty = scheduleFieldOf(problem?.property ?? "");
  const path = `/api/schedules/${encodeURIComponent(name.trim())}`;
  const save = async () => {
    const ifMatch = isGone ? "missing" : (base.etag ?? "missing");
    const body = writeSchedule(form, base.schedule);
    const outcome = await run<View>("Saving", { method: "PUT", path, body, ifMatch });
    if (outcome.kind !== "ok") return;
    setBase({ schedule: outcome.value, etag: outcome.etag });
    if (stored === undefined && isMounted()) navigate(formatHash("schedule", outcome.value.name));
  };
  const remove = async () => {
    const outcome = await run("Deleting", { method: "DELETE", path });
    if (outcome.kind === "ok" && isMounted()) navigate(formatHash("schedules"));
  };
  return (
    <DefinitionEditor
      isBusy={isBusy}
      attempt={attempt}
      faulty={faulty}
      isOutdated={stored !== undefined && base.schedule !== undefined && stored.updatedAt > base.schedule.updatedAt}
      isGone={isGone}
      onReload={onReload}
      onSave={() => save().catch(reportError)}
      actions={
        stored !== undefined &&
        !isGone && (
          <ConfirmButton
            label="Delete"
            question="It forgets what it has imported; a promotion of it that runs goes on."
            isBusy={isBusy}
            onConfirm={() => remove().catch(reportError)}
          />
        )
      }
    >
      {stored === undefined && (
        <TextField
          {...{ name: "name", label: "Name", help: "Lower-case letters, digits and -.", lines: "one", value: name }}
          isRequired
          fault={faulty === "name" ? problem?.detail : undefined}
          onChange={setName}
        />
      )}
      <TimeFields form={form} onChange={setForm} faulty={faulty} fault={problem?.detail} />
      <SelectionFields
        form={form.selection}
        onChange={(selection) => setForm({ ...form, selection })}
        tags="selection"
        faulty={faulty}
        fault={problem?.detail}
      />
    </DefinitionEditor>
  );
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

function TimeFields({ form, onChange, faulty, fault }: TimeFieldsProps) {
  return (
    <>
      <CheckField
        name="enabled"
        label="Enabled: it runs at its times"
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
