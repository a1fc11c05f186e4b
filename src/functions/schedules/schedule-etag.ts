import type { ScheduleRecord, ScheduleView } from "../../domain/schedule-record.ts";
import { tagOf } from "../tagged-answer.ts";

/**
 * The ETag of a schedule, in two parts: its definition, by which writes are compared, and all that an answer tells, which
 * changes with its runs and with time.
 */
export function formatScheduleEtag({ schedule }: ScheduleRecord, view: ScheduleView): string {
  return `"${tagOf(schedule)}.${tagOf(view)}"`;
}

/** Whether an answer with this ETag has told the definition that the record has. */
export function isDefinedAs(etag: string, { schedule }: ScheduleRecord): boolean {
  return etag.replace(/^(?:W\/)?"/, "").startsWith(`${tagOf(schedule)}.`);
}
