import type { ScheduleView } from "../domain/schedule-record.ts";
import type { Schedule } from "../domain/schedule-schema.ts";
import {
  emptySelection,
  readSelection,
  type SelectionForm,
  selectionFieldOf,
  writeSelection,
} from "./selection-form.ts";

/** A schedule as it is filled in. */
export interface ScheduleForm {
  readonly name: string;
  readonly enabled: boolean;
  readonly cron: string;
  readonly timeZone: string;
  readonly maxConcurrent: string;
  readonly selection: SelectionForm;
}

/** Times are in the reader's zone at first. */
export function emptySchedule(): ScheduleForm {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return { name: "", enabled: true, cron: "0 3 * * *", timeZone, maxConcurrent: "", selection: emptySelection };
}

export function readSchedule(schedule: ScheduleView): ScheduleForm {
  const { name, enabled, cron, timeZone, maxConcurrent } = schedule;
  return {
    ...{ name, enabled, cron, timeZone },
    maxConcurrent: maxConcurrent === undefined ? "" : String(maxConcurrent),
    selection: readSelection(schedule),
  };
}

/** What stores the schedule; what the form has no field for stays as it was `before`. */
export function writeSchedule(form: ScheduleForm, before: ScheduleView | undefined): Omit<Schedule, "name"> {
  const maxConcurrent = form.maxConcurrent.trim();
  return {
    ...{ enabled: form.enabled, cron: form.cron.trim(), timeZone: form.timeZone.trim() },
    ...(maxConcurrent !== "" && { maxConcurrent: Number(maxConcurrent) }),
    ...writeSelection(form.selection, before),
  };
}

/** The field that a property of the body stands in. */
export function scheduleFieldOf(property: string): string | undefined {
  return ["name", "cron", "timeZone", "maxConcurrent"].find((own) => own === property) ?? selectionFieldOf(property);
}
