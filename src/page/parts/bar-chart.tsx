import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useColours } from "../theme.ts";
import {
  barAfterKey,
  barTimeFormat,
  isCounted,
  type ReadableBars,
  readBar,
  secondsPerHour,
  useChosenBar,
} from "./bar-reading.ts";
import { marksTo, topOf } from "./bar-scale.ts";
import { RowsTable } from "./rows-table.tsx";

/** One kind of thing in each bar. */
export interface BarSeries {
  readonly name: string;
  /** A colour of page.css, e.g. `--good`. */
  readonly colour: string;
  /** One per bar. */
  readonly values: readonly number[];
}

export interface BarChartProps extends ReadableBars {
  readonly title: string;
  /** From the bottom of the bars up. */
  readonly series: readonly BarSeries[];
  /** Distances between the marks of the scale, ascending. */
  readonly steps: readonly number[];
}

const heightPx = 200;

/** Stacked bars over time. Each can be read by pointer, touch and arrow keys, and all of them in a table below. */
export function BarChart(props: BarChartProps) {
  const { title, times, barSeconds, series, format } = props;
  const bar = useChosenBar(times);
  const colours = useColours();
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const mark = useRef(document.createElement("div"));
  const uncounted = useRef(document.createElement("div"));
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const made = new uPlot(optionsOf(latest, element), stack(latest.current), element);
    made.over.append(uncounted.current, mark.current);
    chart.current = made;
    const sizes = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: heightPx }));
    sizes.observe(element);
    return () => {
      sizes.disconnect();
      made.destroy();
    };
  }, [colours, barSeconds]);

  const signature = JSON.stringify([times, series.map(({ values }) => values)]);
  useEffect(() => chart.current?.setData(stack(latest.current)), [signature]);

  const { current: markElement } = mark;
  markElement.className = "bar-mark";
  markElement.hidden = bar.at === undefined;
  markElement.style.width = `${100 / times.length}%`;
  markElement.style.left = `${((bar.at ?? 0) / times.length) * 100}%`;

  const { current: uncountedElement } = uncounted;
  const uncountedBars = times.filter((time) => isCounted(props, time) !== "all").length;
  uncountedElement.className = "bars-uncounted";
  uncountedElement.hidden = uncountedBars === 0;
  uncountedElement.style.width = `${(100 * uncountedBars) / times.length}%`;

  const newest = times.length - 1;
  const chooseUnder = ({ clientX }: PointerEvent) => {
    const area = chart.current?.over.getBoundingClientRect();
    if (area === undefined) return;
    const at = Math.floor(((clientX - area.left) / area.width) * times.length);
    bar.choose(Math.max(0, Math.min(newest, at)));
  };
  const followKey = (event: KeyboardEvent) => {
    const at = barAfterKey(event.key, bar.at ?? newest, times.length);
    if (at === undefined) return;
    event.preventDefault(); // the page does not scroll
    bar.choose(at);
  };
  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        <ul class="keys">
          {series.map(({ name, colour, values }) => (
            <li key={name}>
              <span class={`key ${colour.slice(2)}`} />
              {name} <strong>{format(values.reduce((total, value) => total + value, 0))}</strong>
            </li>
          ))}
        </ul>
      </figcaption>
      <div
        ref={place}
        class="plot"
        role="slider"
        tabIndex={0}
        aria-label={`${title}, bar by bar`}
        aria-valuemin={1}
        aria-valuemax={times.length}
        aria-valuenow={(bar.at ?? newest) + 1}
        aria-valuetext={readBar(props, bar.at ?? newest)}
        onPointerDown={chooseUnder}
        onPointerMove={chooseUnder}
        onPointerLeave={({ pointerType, currentTarget }) => {
          if (pointerType === "mouse" && document.activeElement !== currentTarget) bar.choose(undefined);
        }}
        onFocus={() => bar.chooseFirst(newest)}
        onBlur={() => bar.choose(undefined)}
        onKeyDown={followKey}
      />
      <BarReading bars={props} at={bar.at} />
      <details>
        <summary>Numbers</summary>
        <NumbersTable {...props} />
      </details>
    </figure>
  );
}

const invitation = "Point at a bar, or use the arrow keys, to read it.";

/** The bar that is being read. It has the height of the longest text from the start, so that nothing below moves. */
function BarReading({ bars, at }: { readonly bars: BarChartProps; readonly at: number | undefined }) {
  const texts = [invitation, ...bars.times.map((_, each) => readBar(bars, each))];
  const longest = texts.reduce((one, other) => (other.length > one.length ? other : one));
  // Not live: the slider says the same by itself, and would be heard twice.
  return (
    <p class="bar-reading" data-longest={longest}>
      <output aria-live="off">{at === undefined ? invitation : readBar(bars, at)}</output>
    </p>
  );
}

function NumbersTable(bars: BarChartProps) {
  const { title, times, barSeconds, series, format } = bars;
  const formatTime = barTimeFormat(barSeconds);
  return (
    <RowsTable
      caption={title}
      columns={[{ name: "From", isHeading: true }, ...series.map(({ name }) => ({ name }))]}
      rows={times.map((time, at) => ({
        key: time.toISOString(),
        cells: [
          formatTime(time),
          ...series.map(({ values }) => (isCounted(bars, time) === "no" ? "not counted" : format(values[at] ?? 0))),
        ],
      }))}
    />
  );
}

/** Bars of the whole, and before them bars of all but the topmost kind, down to the lowest kind alone. */
function stack({ times, barSeconds, series }: BarChartProps): uPlot.AlignedData {
  const middles = times.map((time) => time.getTime() / 1_000 + barSeconds / 2);
  const sums = series.map((_, top) =>
    times.map((_time, at) => series.slice(0, top + 1).reduce((total, { values }) => total + (values[at] ?? 0), 0)),
  );
  return [middles, ...sums.toReversed()];
}

function optionsOf(latest: { readonly current: BarChartProps }, element: HTMLElement): uPlot.Options {
  const { series, barSeconds, steps } = latest.current;
  const formatTime = barTimeFormat(barSeconds);
  const [text, line] = [colourOf("--faint", element), colourOf("--soft-line", element)];
  const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  const bars = uPlot.paths.bars?.({ size: [0.8, 48] });
  return {
    width: element.clientWidth,
    height: heightPx,
    padding: [null, 32, null, null], // for half of the last mark's text
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range: (_, from, to) => [from - barSeconds / 2, to + barSeconds / 2] },
      y: { range: (_, _from, to) => [0, topOf(to, steps)] },
    },
    axes: [
      {
        ...axis,
        space: barSeconds > secondsPerHour ? 130 : 90,
        values: (_, splits) => splits.map((seconds) => formatTime(new Date(seconds * 1_000))),
      },
      {
        ...axis,
        size: 80,
        splits: (_, _axis, _from, top) => marksTo(top, steps),
        values: (_, splits) => splits.map((value) => latest.current.format(value)),
      },
    ],
    series: [
      {},
      ...series.toReversed().map(({ name, colour }) => ({
        label: name,
        fill: colourOf(colour, element),
        width: 0,
        points: { show: false },
        ...(bars && { paths: bars }),
      })),
    ],
  };
}

/** A canvas knows no variables: what the browser makes of one, here and now. */
function colourOf(variable: string, element: HTMLElement): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${variable})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
