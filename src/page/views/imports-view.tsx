import { useState } from "preact/hooks";
import type { ImportPage } from "../../domain/import-view.ts";
import { useChain } from "../data/use-resource.ts";
import { formatListPath, type ImportFilter, readFilter } from "../import-filter.ts";
import { FailedOutcome } from "../parts/failed-outcome.tsx";
import { ImportTable } from "../parts/import-table.tsx";
import { formatHash, navigate } from "../routing.ts";
import { stateLooks } from "../tones.ts";
import { ImportFilterForm } from "./import-filter-form.tsx";

/** Rows that make a page; fewer, and the list looks further by itself. */
const enoughRows = 20;
/** Requests after which it stops looking until it is told to go on. */
const patience = 20;

/** Where a page of the list begins; undefined: at the newest. */
type Start = string | undefined;

/** The imports that there are, newest first, with those that run moving. */
export function ImportsView({ query }: { readonly query: URLSearchParams }) {
  const filter = readFilter(query);
  return (
    <>
      <div class="title">
        <h1>Imports</h1>
        <a class="button primary" href={formatHash("start")}>
          Start an import
        </a>
      </div>
      <ImportFilterForm filter={filter} onChange={(next) => navigate(formatHash("imports", "", next))} />
      <ImportList key={formatListPath(filter, undefined)} filter={filter} />
    </>
  );
}

function ImportList({ filter }: { readonly filter: ImportFilter }) {
  const [starts, setStarts] = useState<readonly Start[]>([undefined]);
  const [maxRequests, setMaxRequests] = useState(patience);
  const pages = useChain<ImportPage>({
    first: formatListPath(filter, starts.at(-1)),
    next: (found) => {
      const token = found.at(-1)?.continuationToken;
      const rows = found.reduce((count, { imports }) => count + imports.length, 0);
      const wantsMore = token !== undefined && rows < enoughRows && found.length < maxRequests;
      return wantsMore ? formatListPath(filter, token) : undefined;
    },
    pace: (page, at) => {
      if (page?.imports.some(({ state }) => !stateLooks[state].hasEnded)) return "live";
      return at === 0 ? "idle" : "still";
    },
  });
  const imports = pages.flatMap(({ value }) => value?.imports ?? []);
  const isSearching = pages.some(({ value, refusal }) => value === undefined && refusal === undefined);
  const refusal = pages.find((page) => page.refusal !== undefined)?.refusal;
  const older = pages.at(-1)?.value?.continuationToken;
  const turn = (next: readonly Start[]) => {
    setStarts(next);
    setMaxRequests(patience);
  };
  return (
    <>
      {refusal !== undefined && <FailedOutcome what="Listing" outcome={refusal} />}
      {imports.length > 0 && <ImportTable caption="Imports, newest first" imports={imports} />}
      <p class="search-state" role="status">
        {searchText({ found: imports.length, isSearching, requests: pages.length, hasMore: older !== undefined })}
      </p>
      <nav class="pages" aria-label="Pages">
        <button type="button" disabled={starts.length === 1} onClick={() => turn(starts.slice(0, -1))}>
          Newer
        </button>
        {older !== undefined && imports.length < enoughRows ? (
          <button type="button" disabled={isSearching} onClick={() => setMaxRequests(pages.length + patience)}>
            Look further
          </button>
        ) : (
          <button type="button" disabled={older === undefined} onClick={() => turn([...starts, older])}>
            Older
          </button>
        )}
      </nav>
    </>
  );
}

interface SearchState {
  readonly found: number;
  readonly isSearching: boolean;
  readonly requests: number;
  readonly hasMore: boolean;
}

function searchText({ found, isSearching, requests, hasMore }: SearchState): string {
  if (isSearching && requests === 1) return "Loading…";
  if (isSearching) return `Few imports match: looking further back (${requests} requests, ${found} found)…`;
  if (found === 0) return hasMore ? "Nothing found so far." : "No import matches.";
  return `${found} ${found === 1 ? "import" : "imports"} on this page.`;
}
