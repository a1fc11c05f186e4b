/** What a list of imports can be narrowed by; all of them are texts of the address and of the API's query. */
export const filterNames = ["state", "trigger", "source", "target", "label", "since", "until"] as const;
export type FilterName = (typeof filterNames)[number];
export type ImportFilter = Readonly<Record<FilterName, string>>;

/** The filter that an address holds. */
export function readFilter(query: URLSearchParams): ImportFilter {
  const read = (name: FilterName) => query.get(name)?.trim() ?? "";
  return {
    state: read("state"),
    trigger: read("trigger"),
    source: read("source"),
    target: read("target"),
    label: read("label"),
    since: read("since"),
    until: read("until"),
  };
}

/** Imports per request of the list. */
const perRequest = 50;

/** The path of the API that lists what the filter lets through, with the progress of this moment. */
export function formatListPath(filter: ImportFilter, continuationToken: string | undefined): string {
  const query = new URLSearchParams();
  for (const name of filterNames) if (filter[name] !== "") query.set(name, filter[name]);
  query.set("limit", String(perRequest));
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
