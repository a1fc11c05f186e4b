import type { Overview, OverviewCounts } from "../../domain/overview.ts";
import { formatBytes } from "../../domain/quantities.ts";
import { useResource } from "../data/use-resource.ts";
import { withoutHint } from "../error-text.ts";
import { BarChart, type BarSeries } from "../parts/bar-chart.tsx";
import { Empty } from "../parts/empty.tsx";
import { ImportTable } from "../parts/import-table.tsx";
import { Notice } from "../parts/notice.tsx";
import { Places } from "../parts/places.tsx";
import { RowsTable } from "../parts/rows-table.tsx";
import { SnapshotState } from "../parts/snapshot-state.tsx";
import { Time } from "../parts/time.tsx";
import { formatSource, formatTarget } from "../places.ts";
import { formatHash } from "../routing.ts";

const windows = { hour: "Last hour", day: "Last day", week: "Last week" } as const satisfies Readonly<
  Record<Overview["window"], string>
>;
const windowNames = ["hour", "day", "week"] as const;

/** How imports have fared of late, and what runs now. */
export function OverviewView({ query }: { readonly query: URLSearchParams }) {
  const window = windowNames.find((name) => name === query.get("window")) ?? "day";
  return (
    <>
      <div class="title">
        <h1>Overview</h1>
        <nav aria-label="Time">
          <ul class="menu">
            {windowNames.map((name) => (
              <li key={name}>
                <a
                  href={formatHash("overview", "", { window: name })}
                  aria-current={name === window ? "page" : undefined}
                >
                  {windows[name]}
                </a>
              </li>
            ))}
          </ul>
        </nav>
      </div>
      <OverviewOf key={window} window={window} />
    </>
  );
}

function OverviewOf({ window }: { readonly window: Overview["window"] }) {
  const snapshot = useResource<Overview>(`/api/overview?window=${window}`, (known) =>
    known !== undefined && known.running.count > 0 ? "live" : "idle",
  );
  const { value: overview } = snapshot;
  return (
    <>
      <SnapshotState snapshot={snapshot} />
      {overview !== undefined && (
        <>
          {isCut(overview) && (
            <Notice tone="neutral" title="Not all of them are counted">
              <p>
                There are more imports than an overview looks at: all numbers are those of imports that were created
                since <Time at={overview.countedSince} />.
              </p>
            </Notice>
          )}
          <Totals totals={overview.totals} />
          {overview.errors.length > 0 ? (
            <Failures overview={overview} />
          ) : (
            <p class="good-news">
              {isCut(overview) ? "None of these has failed." : "Nothing has failed in this time."}
            </p>
          )}
          <Running running={overview.running} />
          <Charts overview={overview} />
        </>
      )}
    </>
  );
}

/** There were more imports than an overview looks at. */
function isCut({ countedSince }: Overview): boolean {
  return countedSince !== undefined;
}

/** What a heading says of numbers that are not all. */
function CutNote({ overview }: { readonly overview: Overview }) {
  if (!isCut(overview)) return null;
  return (
    <>
      {" "}
      of those created since <Time at={overview.countedSince} />
    </>
  );
}

/** The figures of the time that is looked at. */
function Totals({ totals }: Pick<Overview, "totals">) {
  const tiles = [
    ...shownTotals.map((name) => {
      const state = countedStates.find(({ key }) => key === name);
      return { name: state?.name, colour: state?.colour, figure: String(totals[name]), isLoud: totals[name] > 0 };
    }),
    ...countedBytes.slice(0, 2).map(({ key, name, colour }) => ({
      ...{ name, colour, figure: formatBytes(totals.bytes[key]), isLoud: totals.bytes[key] > 0 },
    })),
  ];
  return (
    <dl class="tiles" aria-label="Figures of this time">
      {tiles.map(({ name, colour, figure, isLoud }) => (
        <div key={name} style={isLoud && colour !== undefined ? { "--tone": `var(${colour})` } : {}}>
          <dt>{name}</dt>
          <dd>{figure}</dd>
        </div>
      ))}
    </dl>
  );
}

interface CountedState {
  readonly key: Exclude<keyof OverviewCounts, "bytes">;
  readonly name: string;
  readonly colour: string;
}

/** From the bottom of a bar up. */
const countedStates: readonly CountedState[] = [
  { key: "succeeded", name: "Succeeded", colour: "--good" },
  { key: "skipped", name: "Skipped", colour: "--skipped" },
  { key: "running", name: "Running", colour: "--busy" },
  { key: "cancelled", name: "Cancelled", colour: "--line" },
  { key: "failed", name: "Failed", colour: "--bad" },
];
const shownTotals = ["succeeded", "failed", "running", "skipped"] as const;
const countedBytes = [
  { key: "copied", name: "Copied", colour: "--copied" },
  { key: "mounted", name: "Mounted", colour: "--mounted" },
  { key: "skipped", name: "Skipped", colour: "--skipped" },
] as const;

const countSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];
const byteSteps = Array.from({ length: 60 }, (_, at) => 2 ** (at + 4)); // from 16 B up to more than anybody moves

function Charts({ overview }: { readonly overview: Overview }) {
  const { buckets, bucketSeconds, totals, countedSince } = overview;
  const times = buckets.map(({ at }) => new Date(at));
  const states: readonly BarSeries[] = countedStates.map(({ key, name, colour }) => ({
    ...{ name, colour },
    values: buckets.map((bucket) => bucket[key]),
  }));
  const bytes: readonly BarSeries[] = countedBytes.map(({ key, name, colour }) => ({
    ...{ name, colour },
    values: buckets.map((bucket) => bucket.bytes[key]),
  }));
  const common = { times, barSeconds: bucketSeconds, countedSince: new Date(countedSince ?? 0) };
  const isEmpty = countedStates.every(({ key }) => totals[key] === 0);
  return (
    <>
      {isEmpty ? (
        <Empty title="Nothing was imported in this time.">
          <a href={formatHash("start")}>Start an import</a>, or let <a href={formatHash("rules")}>rules</a> and{" "}
          <a href={formatHash("schedules")}>schedules</a> do it.
        </Empty>
      ) : (
        <div class="charts">
          <BarChart
            {...{
              ...common,
              title: "Imports",
              series: states,
              format: String,
              steps: countSteps,
            }}
          />
          <BarChart
            {...{
              ...common,
              title: "Bytes",
              series: bytes,
              format: formatBytes,
              steps: byteSteps,
            }}
          />
        </div>
      )}
      {!isEmpty && <p class="help">Each import counts where it ended, and while it runs where it was created.</p>}
    </>
  );
}

function Running({ running: { count, imports } }: Pick<Overview, "running">) {
  return (
    <section aria-labelledby="running-title">
      <h2 id="running-title">Running now: {count}</h2>
      {imports.length > 0 && <ImportTable caption="Imports that run" imports={imports} />}
      {count === 0 && <p class="help">No import runs.</p>}
      {count > imports.length && imports.length > 0 && (
        <p class="help">
          The newest {imports.length} of {count}. <a href={formatHash("imports")}>All imports</a>
        </p>
      )}
    </section>
  );
}

const failureColumns = [
  { name: "Error", look: "code" },
  { name: "Imports", look: "short" },
  { name: "Newest", look: "places" },
  { name: "When", look: "when" },
] as const;

/** What needs somebody, before all else. */
function Failures({ overview }: { readonly overview: Overview }) {
  const { errors, buckets, countedSince } = overview;
  const counted = { endedSince: buckets[0]?.at ?? "", ...(countedSince !== undefined && { since: countedSince }) };
  const failed = errors.reduce((sum, { count }) => sum + count, 0);
  return (
    <section aria-labelledby="failures-title">
      <h2 id="failures-title">
        Failed: {failed}
        <CutNote overview={overview} />
      </h2>
      <RowsTable
        caption="Failures by error code, the most frequent first"
        columns={failureColumns}
        rows={errors.map(({ code, count, newest, import: view }) => ({
          key: code,
          cells: [
            <a key="code" href={formatHash("errors", code)}>
              {code}
            </a>,
            <a
              key="count"
              href={formatHash("imports", "", { state: "Failed", error: code, ...counted })}
              aria-label={`${count} that failed with ${code}`}
            >
              {count}
            </a>,
            <Places
              key="newest"
              {...{ from: view?.source === undefined ? newest : formatSource(view.source) }}
              href={formatHash("import", newest)}
              to={view?.target === undefined ? undefined : formatTarget(view.target)}
              error={view?.error === undefined ? undefined : withoutHint(view.error)}
            />,
            <Time key="when" at={view?.finishedAt ?? view?.createdAt} />,
          ],
        }))}
      />
      <p>
        <a href={formatHash("imports", "", { state: "Failed", ...counted })}>
          {isCut(overview) ? "All of these that failed" : "All that failed in this time"}
        </a>
      </p>
    </section>
  );
}
