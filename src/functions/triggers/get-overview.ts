import { z } from "zod";
import { hasEnded } from "../../domain/import-record.ts";
import {
  beginOfWindow,
  type CountedWindow,
  countWindow,
  type OverviewWindow,
  overviewWindowSchema,
} from "../../domain/overview.ts";
import type { Imports } from "../../store/imports.ts";
import type { Open } from "../../store/open.ts";
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
const freshMs = 10_000;

/** `GET /api/overview`. Reads at most 5 pages of small columns every 10 s per process, and what runs now. */
export function createGetOverview({ imports, open, view, now }: GetOverviewDeps): HttpHandler {
  const counted = createBriefCache<ReturnType<typeof countWindow>>({ now, freshMs, maxEntries: 3 });

  const count = async (window: OverviewWindow, begin: Date) => {
    const found: Omit<CountedWindow, "window" | "begin"> = await imports.summarize(begin, maxPages);
    return countWindow({ window, begin, ...found });
  };

  return async (request) => {
    const { window } = readQuery(request, overviewQuerySchema);
    const begin = beginOfWindow(window, now());
    const [counts, all] = await Promise.all([
      counted(`${window} ${begin.toISOString()}`, () => count(window, begin)),
      open.list(),
    ]);
    const newest = all.map(({ id }) => id).toSorted();
    const records = await imports.readMany(newest.slice(0, shownRunning));
    const unfinished = records.filter(({ state }) => !hasEnded(state)); // a row may outlive the end by a moment
    const views = await Promise.all(unfinished.map((record) => view(record, request)));
    return answerTagged({ ...counts, running: { count: all.length, imports: views } }, request);
  };
}
