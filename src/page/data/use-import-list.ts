import { useEffect, useRef, useState } from "preact/hooks";
import type { ImportPage, ImportView } from "../../domain/import-view.ts";
import { formatHeadPath, formatListPath, type ImportFilter, type ListStart } from "../import-filter.ts";
import { useServices } from "../services.ts";
import { importLookOf } from "../tones.ts";
import type { Refusal } from "./api.ts";
import type { Pace } from "./resource.ts";
import { useChain } from "./use-resource.ts";

/** Rows that make a page; fewer, and the list looks further by itself. */
export const enoughRows = 20;

interface Shown {
  /** Token of its first page; empty: the first of all. */
  readonly token: string;
  readonly imports: readonly ImportView[];
  /** Where the next page begins; undefined: there is none. */
  readonly older: ListStart | undefined;
}

export interface ImportList extends Shown {
  readonly isSearching: boolean;
  /** Answers that it stands on. */
  readonly requests: number;
  readonly refusal: Refusal | undefined;
}

/**
 * The imports that pass the filter from `start` on, by as many requests as it takes to have enough of them.
 *
 * Newcomers shift every page of a list. Once more than one is needed, the list is cut in two at that moment: what was
 * there stays where it was found, and newcomers come by a request of their own.
 */
export function useImportList(filter: ImportFilter, start: ListStart | undefined, maxRequests: number): ImportList {
  const { api } = useServices();
  const [cutAt, setCutAt] = useState<string | undefined>();
  const mayCut = start === undefined && filter.until === "";
  const whole = formatListPath(filter, start);
  const head = cutAt === undefined || !mayCut ? undefined : formatHeadPath(filter, cutAt);
  const before = start === undefined ? cutAt : start.before;
  const needsMore = (found: readonly ImportPage[]) =>
    found.at(-1)?.continuationToken !== undefined && rowsOf(found).length < enoughRows;
  const pages = useChain<ImportPage>({
    first: head ?? whole,
    next: (found) => {
      if (head !== undefined && found.length === 1) return formatListPath(filter, { token: undefined, before });
      if (!needsMore(found) || found.length >= maxRequests || (mayCut && head === undefined)) return undefined;
      const token = found.at(-1)?.continuationToken;
      return formatListPath(filter, { token, before });
    },
    tail: "kept",
    lead: "first",
    pace: paceOf,
  });
  const found = pages.flatMap(({ value }) => value ?? []);
  const [first] = found;
  const wantsCut =
    mayCut && first !== undefined && (head === undefined ? needsMore(found) : first.continuationToken !== undefined);
  useEffect(() => {
    if (wantsCut) setCutAt(api.now().toISOString());
  }, [wantsCut, api]);

  const isSearching = wantsCut || pages.some(({ value, refusal }) => value === undefined && refusal === undefined);
  const token = found.at(-1)?.continuationToken;
  const now: Shown = {
    token: start?.token ?? "",
    imports: rowsOf(found),
    older: token === undefined ? undefined : { token, before },
  };
  const shown = useRef(now);
  // What is there stays on screen until what takes its place is there, too.
  const isWhole = !wantsCut && found.length === pages.length;
  if (isWhole || now.imports.length >= shown.current.imports.length) shown.current = now;
  return {
    ...shown.current,
    isSearching,
    requests: pages.length,
    refusal: pages.find(({ refusal }) => refusal !== undefined)?.refusal,
  };
}

/** Newcomers, and what is still to come of messages that waited, show in the first two pages. */
function paceOf(page: ImportPage | undefined, at: number): Pace {
  if (page?.imports.some(({ state }) => !importLookOf(state).hasEnded)) return "live";
  return at <= 1 ? "idle" : "still";
}

/** Each once: after a deletion a page reaches into the one that was found after it. */
function rowsOf(pages: readonly ImportPage[]): readonly ImportView[] {
  return [...new Map(pages.flatMap(({ imports }) => imports).map((view) => [view.id, view])).values()];
}
