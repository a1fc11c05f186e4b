import { z } from "zod";
import { type ErrorCode, importErrorWireSchema } from "../errors.ts";
import { type ImportId, importIdSchema } from "./import-id.ts";
import { hasEnded, type ImportState } from "./import-record.ts";
import { importViewSchema } from "./import-view.ts";

const minute = 60;
const hour = 60 * minute;

export const overviewWindowSchema = z.enum(["hour", "day", "week"]);
export type OverviewWindow = z.infer<typeof overviewWindowSchema>;

/** What each window is cut into. */
const windows: Readonly<Record<OverviewWindow, { readonly bucketSeconds: number; readonly buckets: number }>> = {
  hour: { bucketSeconds: 5 * minute, buckets: 12 },
  day: { bucketSeconds: hour, buckets: 24 },
  week: { bucketSeconds: 6 * hour, buckets: 28 },
};

const countsShape = {
  running: z.int(),
  succeeded: z.int(),
  skipped: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  bytes: z.strictObject({ copied: z.int(), mounted: z.int(), skipped: z.int() }).describe("Of those that have ended."),
};
const countsSchema = z.strictObject(countsShape);
export type OverviewCounts = Readonly<z.infer<typeof countsSchema>>;

const isoTimeSchema = z.iso.datetime();

/** The answer of `GET /api/overview`. */
export const overviewSchema = z
  .strictObject({
    window: overviewWindowSchema,
    bucketSeconds: z.int(),
    buckets: z
      .array(
        z.strictObject({ at: isoTimeSchema.describe("Begin, a whole multiple of bucketSeconds."), ...countsShape }),
      )
      .describe(
        "Imports by the time that they ended, those that run by the time that they were created; oldest first, the last bucket is still being filled.",
      ),
    totals: countsSchema,
    errors: z
      .array(
        z.strictObject({
          code: importErrorWireSchema.shape.code,
          count: z.int(),
          newest: importIdSchema,
          import: importViewSchema
            .optional()
            .describe("The newest. Absent where it was deleted or begun again, and behind the 10 most frequent codes."),
        }),
      )
      .describe("Why imports failed, the most frequent first, with the import that did last."),
    countedSince: isoTimeSchema
      .optional()
      .describe(
        "Only imports that were created since then are counted, and buckets before it say nothing. Absent: all.",
      ),
    running: z
      .strictObject({ count: z.int(), imports: z.array(importViewSchema) })
      .describe("Imports of any age that have not ended; the newest of them."),
  })
  .meta({ id: "Overview", description: "How imports have fared of late." });
export type Overview = Readonly<z.infer<typeof overviewSchema>>;

/** What is counted of an import. */
export interface ImportSummary {
  readonly id: ImportId;
  readonly state: ImportState;
  readonly createdAt: string;
  /** Of one that runs: absent. */
  readonly finishedAt: string | undefined;
  readonly errorCode: ErrorCode | undefined;
  readonly bytes: OverviewCounts["bytes"];
}

/** Begin of a window that ends now: buckets stand still between whole multiples of their length. */
export function beginOfWindow(window: OverviewWindow, now: Date): Date {
  const { bucketSeconds, buckets } = windows[window];
  const current = Math.floor(now.getTime() / 1_000 / bucketSeconds);
  return new Date((current - buckets + 1) * bucketSeconds * 1_000);
}

/** Imports of a window, counted; `isComplete`: they are all of them. */
export interface CountedWindow {
  readonly window: OverviewWindow;
  readonly begin: Date;
  readonly summaries: readonly ImportSummary[];
  /** Only imports that were created since then are among them; undefined: all are. */
  readonly countedSince: Date | undefined;
}

export function countWindow({ window, begin, summaries, countedSince }: CountedWindow): Omit<Overview, "running"> {
  const { bucketSeconds, buckets } = windows[window];
  const filled = Array.from({ length: buckets }, (): ImportSummary[] => []);
  for (const summary of summaries) {
    const at = Math.floor((timeOf(summary) - begin.getTime()) / 1_000 / bucketSeconds);
    filled[Math.min(Math.max(at, 0), buckets - 1)]?.push(summary); // clocks of processes differ a little
  }
  return {
    window,
    bucketSeconds,
    buckets: filled.map((own, at) => ({
      at: new Date(begin.getTime() + at * bucketSeconds * 1_000).toISOString(),
      ...count(own),
    })),
    totals: count(summaries),
    errors: groupErrors(summaries),
    ...(countedSince && { countedSince: countedSince.toISOString() }),
  };
}

/** An import belongs to the time of its end: a retry keeps the time of creation, and a long import ends long after it. */
function timeOf({ finishedAt, createdAt }: ImportSummary): number {
  return Date.parse(finishedAt ?? createdAt);
}

function count(summaries: readonly ImportSummary[]): OverviewCounts {
  const of = (state: ImportState) => summaries.filter((summary) => summary.state === state).length;
  const sum = (way: keyof OverviewCounts["bytes"]) => summaries.reduce((total, { bytes }) => total + bytes[way], 0);
  return {
    running: summaries.filter(({ state }) => !hasEnded(state)).length,
    succeeded: of("Succeeded"),
    skipped: of("Skipped"),
    failed: of("Failed"),
    cancelled: of("Cancelled"),
    bytes: { copied: sum("copied"), mounted: sum("mounted"), skipped: sum("skipped") },
  };
}

function groupErrors(summaries: readonly ImportSummary[]): Overview["errors"] {
  const groups = new Map<string, Overview["errors"][number]>();
  for (const { id, state, errorCode } of summaries.toSorted((one, other) => timeOf(other) - timeOf(one))) {
    if (state !== "Failed" || errorCode === undefined) continue;
    const known = groups.get(errorCode);
    groups.set(errorCode, { code: errorCode, count: (known?.count ?? 0) + 1, newest: known?.newest ?? id });
  }
  return [...groups.values()].toSorted((one, other) => other.count - one.count);
}
