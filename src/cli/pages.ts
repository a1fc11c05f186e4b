/** One page of a list. It may be short, even empty, and still have a token. */
export interface Page<T> {
  readonly entries: readonly T[];
  readonly continuationToken?: string | null | undefined;
}

export type GetPage<T> = (query: URLSearchParams) => Promise<Page<T>>;

/** All entries of a list; `query` is that of the first page. */
export async function* everyPage<T>(query: URLSearchParams, getPage: GetPage<T>): AsyncGenerator<T> {
  let continuationToken: string | undefined;
  do {
    const page = await getPage(withParameters(query, { continuationToken }));
    yield* page.entries;
    continuationToken = page.continuationToken ?? undefined;
  } while (continuationToken !== undefined);
}

/** All entries at once. */
export async function collectEntries<T>(entries: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}

/** The first `limit` entries: asks for pages until there are enough or no more. `filters` that are undefined are left out. */
export async function firstEntries<T>(
  limit: number,
  filters: Readonly<Record<string, string | undefined>>,
  getPage: GetPage<T>,
): Promise<T[]> {
  const entries: T[] = [];
  let continuationToken: string | undefined;
  do {
    const query = new URLSearchParams({ limit: String(Math.min(maxPageEntries, limit - entries.length)) });
    const page = await getPage(withParameters(query, { ...filters, continuationToken }));
    entries.push(...page.entries);
    continuationToken = page.continuationToken ?? undefined;
  } while (continuationToken !== undefined && entries.length < limit);
  return entries.slice(0, limit);
}

const maxPageEntries = 100;

function withParameters(
  query: URLSearchParams,
  parameters: Readonly<Record<string, string | undefined>>,
): URLSearchParams {
  const all = new URLSearchParams(query);
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) all.set(name, value);
  return all;
}
