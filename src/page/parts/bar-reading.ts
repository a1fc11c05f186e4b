import { useState } from "preact/hooks";

/** What there is of one bar to read. */
export interface ReadableBars {
  readonly times: readonly Date[];
  readonly barSeconds: number;
  /** Of bars that end before this nothing is known, and of one that begins before it only a part. */
  readonly countedSince: Date;
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
  readonly format: (value: number) => string;
}

/** The numbers of a bar in words; kinds that it has none of are left out. */
export function readBar(bars: ReadableBars, at: number): string {
  const { times, barSeconds, series, format } = bars;
  const begin = times[at];
  if (begin === undefined) return "";
  const formatTime = barTimeFormat(barSeconds);
  const end = new Date(begin.getTime() + barSeconds * 1_000);
  const counted = series.flatMap(({ name, values }) => {
    const value = values[at] ?? 0;
    return value === 0 ? [] : [`${name} ${format(value)}`];
  });
  const numbers = counted.length === 0 ? "nothing" : counted.join(", ");
  const text = `${formatTime(begin)} to ${formatTime(end)}: `;
  if (isCounted(bars, begin) === "no") return `${text}not counted`;
  return isCounted(bars, begin) === "all" ? `${text}${numbers}` : `${text}${numbers}, not all counted`;
}

/** How much of the bar that begins then is counted. */
export function isCounted(
  { barSeconds, countedSince }: Pick<ReadableBars, "barSeconds" | "countedSince">,
  begin: Date,
) {
  if (begin >= countedSince) return "all";
  return begin.getTime() + barSeconds * 1_000 > countedSince.getTime() ? "part" : "no";
}

/** Longer bars have their day in what is written about them. */
export const secondsPerHour = 3_600;

/** How the time of a bar is written; a day stands with it where there is more than one. */
export function barTimeFormat(barSeconds: number): (time: Date) => string {
  const options: Intl.DateTimeFormatOptions =
    barSeconds > secondsPerHour
      ? { weekday: "short", hour: "2-digit", minute: "2-digit" }
      : { hour: "2-digit", minute: "2-digit" };
  const format = new Intl.DateTimeFormat(undefined, options);
  return (time) => format.format(time);
}

/** The bar that a key leads to (WAI-ARIA, slider pattern); undefined: the key is not for bars. */
export function barAfterKey(key: string, at: number, count: number): number | undefined {
  switch (key) {
    case "ArrowRight":
    case "ArrowUp":
      return Math.min(count - 1, at + 1);
    case "ArrowLeft":
    case "ArrowDown":
      return Math.max(0, at - 1);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return undefined;
  }
}

/** The bar that is being read, by pointer or keys. It stays the same bar when newer ones push it to the left. */
export function useChosenBar(times: readonly Date[]) {
  const [chosenMs, setChosenMs] = useState<number | undefined>();
  const found = times.findIndex((time) => time.getTime() === chosenMs);
  return {
    at: found < 0 ? undefined : found,
    choose: (at: number | undefined) => setChosenMs(at === undefined ? undefined : times[at]?.getTime()),
    /** Where none is chosen yet. */
    chooseFirst: (at: number) => setChosenMs((known) => known ?? times[at]?.getTime()),
  };
}
