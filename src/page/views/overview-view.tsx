import type { Overview, OverviewCounts } from "../../domain/overview.ts";
import { formatBytes } from "../../domain/quantities.ts";
import { useResource } from "../data/use-resource.ts";
import { BarChart, type BarSeries } from "../parts/bar-chart.tsx";
import { ImportTable } from "../parts/import-table.tsx";
import { Notice } from "../parts/notice.tsx";
import { SnapshotState } from "../parts/snapshot-state.tsx";
import { Time } from "../parts/time.tsx";
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
          <Charts overview={overview} />
          <Running running={overview.running} />
          <Failures errors={overview.errors} />
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

function Failures({ errors }: Pick<Overview, "errors">) {
  return (
    <section aria-labelledby="failures-title">
      <h2 id="failures-title">Failures by cause</h2>
      {errors.length === 0 ? (
        <p>Nothing has failed in this time.</p>
      ) : (
        <table class="rows">
          <caption class="unseen">Failures by error code, the most frequent first</caption>
          <thead>
            <tr>
              <th scope="col">Error</th>
              <th scope="col">Imports</th>
              <th scope="col">Newest</th>
            </tr>
          </thead>
          <tbody>
            {errors.map(({ code, count, newest }) => (
              <tr key={code}>
                <td>
                  <a href={formatHash("errors", code)}>{code}</a>
                </td>
                <td>{count}</td>
                <td>
                  <a href={formatHash("import", newest)}>{newest}</a>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {errors.length > 0 && (
        <p>
          <a href={formatHash("imports", "", { state: "Failed" })}>All imports that failed</a>
        </p>
      )}
    </section>
  );
}
