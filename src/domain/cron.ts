import { Cron } from "croner";

/** When something is due: five cron fields as they are meant in a time zone. */
export interface Timetable {
  readonly cron: string;
  readonly timeZone: string;
}

/** Why `cron` is no cron expression, or undefined when it is one. */
export function cronProblem(cron: string): string | undefined {
  if (cron.trim().split(/\s+/).length !== 5) return "has not five fields: minute hour day-of-month month day-of-week";
  try {
    const isEver = open({ cron, timeZone: "UTC" }).nextRun(anyTime) !== null;
    return isEver ? undefined : "names a time that never comes";
  } catch {
    return "is no cron expression, e.g. 30 2 * * 1-5";
  }
}

/** Whether this system knows the time zone. An offset such as +01:00 is none: it has no summer time. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return /^[A-Za-z]/.test(name);
  } catch {
    return false;
  }
}

/**
 * The times that are due after `from`. Where the clock is put forward, a time that is left out comes right after; where
 * it is put back, a time of day that comes twice counts once, and `*` and steps count every hour that passes.
 */
export function nextTicks(timetable: Timetable, from: Date, count: number): readonly Date[] {
  return open(timetable).nextRuns(count, from);
}

/** The latest time that was due after `after` and until `until`; of several that were missed it is the only one. */
export function latestTick(timetable: Timetable, after: Date, until: Date): Date | undefined {
  const [latest] = open(timetable).previousRuns(1, new Date(until.getTime() + 1)); // it tells of times before, not at
  return latest !== undefined && latest > after ? latest : undefined;
}

const anyTime = new Date("2026-01-01T00:00:00.000Z");

function open({ cron, timeZone }: Timetable): Cron {
  return new Cron(cron, { timezone: timeZone, mode: "5-part", paused: true });
}
