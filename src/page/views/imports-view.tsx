import { useEffect, useState } from "preact/hooks";
import { enoughRows, useImportList } from "../data/use-import-list.ts";
import { formatListPath, type ImportFilter, type ListStart, readFilter } from "../import-filter.ts";
import { ActionButton } from "../parts/action-button.tsx";
import { Empty } from "../parts/empty.tsx";
import { FailedOutcome } from "../parts/failed-outcome.tsx";
import { ImportTable } from "../parts/import-table.tsx";
import { Loading } from "../parts/loading.tsx";
import { PagedList, pagesAt } from "../parts/pager.tsx";
import { formatHash, navigate } from "../routing.ts";
import { ImportFilterForm } from "./import-filter-form.tsx";

/** Requests after which it stops looking until it is told to go on. */
const patience = 20;

/** The imports that there are, newest first, with those that run moving. */
export function ImportsView({ query }: { readonly query: URLSearchParams }) {
  const filter = readFilter(query);
  const page = query.get("page") ?? "";
  const before = query.get("before") ?? "";
  const start = page === "" ? undefined : { token: page, before: before === "" ? undefined : before };
  return (
    <>
      <div class="title">
        <h1>Imports</h1>
        <a class="button primary" href={formatHash("start")}>
          Start an import
        </a>
      </div>
      <ImportFilterForm
        filter={filter}
        onChange={(next, entry) => navigate(formatHash("imports", "", { ...next }), { entry })}
      />
      <ImportList key={formatListPath(filter, undefined)} filter={filter} start={start} />
    </>
  );
}

interface ImportListProps {
  readonly filter: ImportFilter;
  readonly start: ListStart | undefined;
}

function ImportList({ filter, start }: ImportListProps) {
  const [maxRequests, setMaxRequests] = useState(patience);
  const { token, imports, isSearching, requests, refusal, older } = useImportList(filter, start, maxRequests);
  const isShort = older !== undefined && imports.length < enoughRows;
  const isAll = start === undefined && Object.values(filter).every((value) => value === "");
  const hasNone = imports.length === 0 && older === undefined && !isSearching && refusal === undefined;
  useEffect(() => setMaxRequests(patience), [start?.token]);
  const formatPage = (page: string) =>
    formatHash("imports", "", { ...filter, page, before: page === "" ? "" : (older?.before ?? "") });
  return (
    <>
      {refusal !== undefined && <FailedOutcome what="Listing" outcome={refusal} />}
      <PagedList
        pages={pagesAt(start?.token ?? "", formatPage)}
        shownToken={token}
        continuationToken={isShort ? undefined : older?.token}
        names={{ back: "Newer", forth: "Older" }}
      >
        {imports.length > 0 && <ImportTable caption="Imports, newest first" imports={imports} />}
        {hasNone && isAll && (
          <Empty title="No import yet.">
            An import brings one image to the target registry. <a href={formatHash("start")}>Start one</a>, or have the
            command line, the API, <a href={formatHash("rules")}>rules</a> and{" "}
            <a href={formatHash("schedules")}>schedules</a> begin them.
          </Empty>
        )}
        {imports.length === 0 && isSearching && requests === 1 ? (
          <Loading />
        ) : (
          <p class="search-state" role="status">
            {!(hasNone && isAll) &&
              searchText({ found: imports.length, isSearching, requests, hasMore: older !== undefined })}
          </p>
        )}
      </PagedList>
      {isShort && (
        <div class="pages">
          <ActionButton isBusy={isSearching} onClick={() => setMaxRequests(requests + patience)}>
            Look further
          </ActionButton>
        </div>
      )}
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
