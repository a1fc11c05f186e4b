import type { Overview, OverviewCounts } from "../../domain/overview.ts";
import { formatBytes } from "../../domain/quantities.ts";
import { useResource } from "../data/use-resource.ts";
import { withoutHint } from "../error-text.ts";
import { BarChart, type BarSeries } from "../parts/bar-chart.tsx";
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
  const hasFailures = overview !== undefined && overview.errors.length > 0;
  return (
    <>
      <SnapshotState snapshot={snapshot} />
      {overview !== undefined && (
        <>
          {hasFailures && <Failures overview={overview} />}
          <Charts overview={overview} />
          <Running running={overview.running} />
          {!hasFailures && <p>Nothing has failed in this time.</p>}
        </>
      )}
    </>
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
const countedBytes = [
  { key: "copied", name: "Copied", colour: "--copied" },
  { key: "mounted", name: "Mounted", colour: "--mounted" },
  { key: "skipped", name: "Skipped", colour: "--skipped" },
] as const;

const countSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];
const byteSteps = Array.from({ length: 30 }, (_, at) => 2 ** (2 * at + 4)); // from 16 B up to more than anybody moves

function Charts({ overview: { buckets, bucketSeconds, totals, countedSince } }: { readonly overview: Overview }) {
  const times = buckets.map(({ at }) => new Date(at));
  const states: readonly BarSeries[] = countedStates.map(({ key, name, colour }) => ({
    ...{ name, colour },
    values: buckets.map((bucket) => bucket[key]),
  }));
  const bytes: readonly BarSeries[] = countedBytes.map(({ key, name, colour }) => ({
    ...{ name, colour },
    values: buckets.map((bucket) => bucket.bytes[key]),
  }));
  const isCut = countedSince !== buckets[0]?.at;
  const isEmpty = countedStates.every(({ key }) => totals[key] === 0);
  return (
    <>
      {isCut && (
        <Notice tone="neutral" title="Not all of them are counted">
          <p>
            There are more imports than an overview looks at: only those since <Time at={countedSince} /> are counted.
          </p>
        </Notice>
      )}
      {isEmpty ? (
        <p class="card">
          Nothing was imported in this time. <a href={formatHash("start")}>Start an import</a>, or let{" "}
          <a href={formatHash("rules")}>rules</a> and <a href={formatHash("schedules")}>schedules</a> do it.
        </p>
      ) : (
        <div class="charts">
          <BarChart
            {...{
              title: "Imports",
              times,
              barSeconds: bucketSeconds,
              series: states,
              format: String,
              steps: countSteps,
            }}
          />
          <BarChart
            {...{
              title: "Bytes",
              times,
              barSeconds: bucketSeconds,
              series: bytes,
              format: formatBytes,
              steps: byteSteps,
            }}
          />
        </div>
      )}
    </>
  );
}

function Running({ running: { count, imports } }: Pick<Overview, "running">) {
  return (
    <section aria-labelledby="running-title">
      <h2 id="running-title">Running now: {count}</h2>
      {imports.length > 0 && <ImportTable caption="Imports that run" imports={imports} />}
      {count === 0 && <p>No import runs.</p>}
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
function Failures({ overview: { errors, buckets } }: { readonly overview: Overview }) {
  const since = buckets[0]?.at ?? "";
  const failed = errors.reduce((sum, { count }) => sum + count, 0);
  return (
    <section aria-labelledby="failures-title">
      <h2 id="failures-title">Failed: {failed}</h2>
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
              href={formatHash("imports", "", { state: "Failed", error: code, since })}
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
        <a href={formatHash("imports", "", { state: "Failed", since })}>All that failed in this time</a>
      </p>
    </section>
  );
}
