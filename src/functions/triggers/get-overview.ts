import { z } from "zod";
import type { ImportId } from "../../domain/import-id.ts";
import { hasEnded, type ImportRecord } from "../../domain/import-record.ts";
import { formatImport } from "../../domain/import-view.ts";
import {
  beginOfWindow,
  type CountedWindow,
  countWindow,
  type OverviewWindow,
  overviewWindowSchema,
} from "../../domain/overview.ts";
import type { Imports } from "../../store/imports.ts";
import type { Open } from "../../store/open.ts";
import { baseUrlOf } from "../base-url.ts";
import { createBriefCache } from "../brief-cache.ts";
import type { ViewImport } from "../import-answer.ts";
import { answerTagged } from "../tagged-answer.ts";
import type { HttpHandler } from "./http-answer.ts";
import { readQuery } from "./read-query.ts";

export interface GetOverviewDeps {
  readonly imports: Pick<Imports, "summarize" | "readMany">;
  readonly open: Pick<Open, "list">;
  readonly view: ViewImport;
  readonly now: () => Date;
}

export const overviewQuerySchema = z.strictObject({
  window: overviewWindowSchema.default("day").describe("12 buckets of 5 minutes, 24 of an hour or 28 of 6 hours."),
});

const maxPages = 5; // of a thousand imports
const shownRunning = 10;
const maxReadRunning = 5 * shownRunning;
const shownErrors = 10;
const freshMs = 10_000;

/** A window counted, and the newest import of each of its most frequent errors. */
interface Counted {
  readonly counts: ReturnType<typeof countWindow>;
  readonly failed: ReadonlyMap<ImportId, ImportRecord>;
}

/**
 * `GET /api/overview`. Reads at most 5 pages of small columns and the newest import of 10 errors every 10 s per process,
 * and each time what runs now: `Open`, and at most 50 imports of it.
 */
export function createGetOverview({ imports, open, view, now }: GetOverviewDeps): HttpHandler {
  const counted = createBriefCache<Counted>({ now, freshMs, maxEntries: 3 });

  const count = async (window: OverviewWindow, begin: Date) => {
    const found: Omit<CountedWindow, "window" | "begin"> = await imports.summarize(begin, maxPages);
    const counts = countWindow({ window, begin, ...found });
    const failed = await imports.readMany(counts.errors.slice(0, shownErrors).map(({ newest }) => newest));
    return { counts, failed: new Map(failed.map((record) => [record.id, record])) };
  };

  /** Rows of `Open` outlive the end of their imports by a moment, or until the sweep where the end cannot be told. */
  const readRunning = async (ids: readonly ImportId[]) => {
    const found: ImportRecord[] = [];
    let read = 0;
    while (found.length < shownRunning && read < Math.min(ids.length, maxReadRunning)) {
      const asked = ids.slice(read, read + shownRunning);
      found.push(...(await imports.readMany(asked)).filter(({ state }) => !hasEnded(state)));
      read += asked.length;
    }
    return { count: ids.length - read + found.length, imports: found.slice(0, shownRunning) };
  };

  return async (request) => {
    const { window } = readQuery(request, overviewQuerySchema);
    const begin = beginOfWindow(window, now());
    const [{ counts, failed }, all] = await Promise.all([
      counted(`${window} ${begin.toISOString()}`, () => count(window, begin)),
      open.list(),
    ]);
    const running = await readRunning(all.map(({ id }) => id).toSorted());
    const views = await Promise.all(running.imports.map((record) => view(record, request)));
    const errors = counts.errors.map((error) => {
      const record = failed.get(error.newest);
      if (record?.error?.code !== error.code || !hasEnded(record.state)) return error;
      return { ...error, import: formatImport(record, undefined, baseUrlOf(request)) };
    });
    return answerTagged({ ...counts, errors, running: { count: running.count, imports: views } }, request);
  };
}
