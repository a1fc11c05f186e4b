import { useEffect, useState } from "preact/hooks";

/** A moment in the reader's zone, as short as it can be told by; in full, and in UTC, on hover. */
export function Time({ at }: { readonly at: string | undefined }) {
  if (at === undefined) return <span>–</span>;
  const time = new Date(at);
  const utc = at.replace("T", " ").replace(/(\.\d+)?Z$/, "");
  return (
    <time dateTime={at} title={`${inFull.format(time)} (${utc} UTC)`}>
      {formatShort(time, new Date())}
    </time>
  );
}

/** Without the day where it is today, without the year where it is this year. */
export function formatShort(time: Date, now: Date): string {
  if (time.toDateString() === now.toDateString()) return ofToday.format(time);
  return (time.getFullYear() === now.getFullYear() ? ofThisYear : ofAnyYear).format(time);
}

const clock = { hour: "numeric", minute: "2-digit" } as const;
const inFull = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const ofToday = new Intl.DateTimeFormat(undefined, clock);
const ofThisYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", ...clock });
const ofAnyYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

/** Shows everything anew at midnight: what was today's is so no more. */
export function useNewDay(): void {
  const [day, setDay] = useState(0);
  useEffect(() => {
    const midnight = new Date();
    midnight.setHours(24, 0, 0, 0);
    const timer = setTimeout(() => setDay(day + 1), midnight.getTime() - Date.now());
    return () => clearTimeout(timer);
  }, [day]);
}
