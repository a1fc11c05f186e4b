const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/**
 * A cron expression of five fields in words, for the forms that people write most: every so many minutes or hours, or at
 * one time of the day, each day, on days of the week or on a day of the month. Undefined: it is another form.
 */
export function describeCron(cron: string): string | undefined {
  const fields = cron.trim().split(/\s+/);
  const [minute = "", hour = "", dayOfMonth = "", month = "", dayOfWeek = ""] = fields;
  if (fields.length !== 5 || month !== "*") return undefined;
  const day = describeDay(dayOfMonth, dayOfWeek);
  if (day === undefined) return undefined;
  const [atMinute, atHour] = [numberUpTo(minute, 59), numberUpTo(hour, 23)];
  if (atMinute !== undefined && atHour !== undefined) return `${day} at ${twoDigits(atHour)}:${twoDigits(atMinute)}`;
  if (day !== everyDay) return undefined;
  if (atMinute !== undefined && hour === "*") return `every hour at :${twoDigits(atMinute)}`;
  const everyHours = stepThatDivides(hour, 24);
  if (atMinute !== undefined && everyHours !== undefined)
    return `every ${everyHours} hours from 00:${twoDigits(atMinute)}`;
  const everyMinutes = stepThatDivides(minute, 60);
  return hour === "*" && everyMinutes !== undefined ? `every ${everyMinutes} minutes` : undefined;
}

const everyDay = "every day";

function describeDay(dayOfMonth: string, dayOfWeek: string): string | undefined {
  if (dayOfMonth === "*" && dayOfWeek === "*") return everyDay;
  if (dayOfWeek === "*") {
    const day = numberUpTo(dayOfMonth, 28); // not each month has more
    return day === undefined || day === 0 ? undefined : `day ${day} of each month`;
  }
  if (dayOfMonth !== "*") return undefined; // either of them: no plain words for that
  const names = dayOfWeek.split(",").map((part) => {
    const [first, last, ...more] = part.split("-").map((each) => numberUpTo(each, 7));
    if (first === undefined || more.length > 0) return undefined;
    if (!part.includes("-")) return days[first % 7];
    return last === undefined || last <= first ? undefined : `${days[first % 7]} to ${days[last % 7]}`;
  });
  return names.includes(undefined) ? undefined : names.join(", ");
}

function numberUpTo(text: string, most: number): number | undefined {
  return /^\d{1,2}$/.test(text) && Number(text) <= most ? Number(text) : undefined;
}

/** Only one that divides the whole comes at even distances. */
function stepThatDivides(field: string, whole: number): number | undefined {
  const step = Number(/^\*\/(\d{1,2})$/.exec(field)?.[1]);
  return step > 1 && whole % step === 0 ? step : undefined;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
