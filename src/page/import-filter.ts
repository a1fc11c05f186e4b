/** What a list of imports can be narrowed by; all of them are texts of the address and of the API's query. */
export const filterNames = [
  "state",
  "trigger",
  "error",
  "source",
  "target",
  "repository",
  "label",
  "since",
  "until",
  "endedSince",
] as const;
export type FilterName = (typeof filterNames)[number];
export type ImportFilter = Readonly<Record<FilterName, string>>;

/** The filter that an address holds. */
export function readFilter(query: URLSearchParams): ImportFilter {
  const read = (name: FilterName) => query.get(name)?.trim() ?? "";
  return {
    state: read("state"),
    trigger: read("trigger"),
    error: read("error"),
    source: read("source"),
    target: read("target"),
    repository: read("repository"),
    label: read("label"),
    since: read("since"),
    until: read("until"),
    endedSince: read("endedSince"),
  };
}

/** Imports per request of the list. */
const perRequest = 50;
/** The most that one request may ask for. */
const maxPerRequest = 200;

/** Where a part of the list begins that is not its head. */
export interface ListStart {
  /** Undefined: at the newest that is old enough. */
  readonly token: string | undefined;
  /** Newcomers from this time on are left out, so that they shift nothing; undefined: none are. */
  readonly before: string | undefined;
}

/** The path of the API that lists what the filter lets through, with the progress of this moment. */
export function formatListPath(filter: ImportFilter, start: ListStart | undefined): string {
  const { token, before = "" } = start ?? {};
  return formatPath({ ...filter, until: filter.until === "" ? before : filter.until }, perRequest, token);
}

/** The same of what was created since; what the filter itself says of that goes on to count. */
export function formatHeadPath(filter: ImportFilter, since: string): string {
  const isLater = Date.parse(filter.since) > Date.parse(since);
  return formatPath({ ...filter, since: isLater ? filter.since : since }, maxPerRequest, undefined);
}

function formatPath(filter: ImportFilter, limit: number, continuationToken: string | undefined): string {
  const query = new URLSearchParams();
  for (const name of filterNames) if (filter[name] !== "") query.set(name, filter[name]);
  query.set("limit", String(limit));
  query.set("progress", "now");
  if (continuationToken !== undefined) query.set("continuationToken", continuationToken);
  return `/api/imports?${query}`;
}

/** What `datetime-local` shows for an instant, in the reader's zone; nothing for what is no time. */
export function toLocalInput(instant: string): string {
  const time = new Date(instant);
  if (instant === "" || Number.isNaN(time.getTime())) return "";
  const shifted = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

/** The instant that a `datetime-local` names. */
export function fromLocalInput(local: string): string {
  const time = new Date(local);
  return local === "" || Number.isNaN(time.getTime()) ? "" : time.toISOString();
}
