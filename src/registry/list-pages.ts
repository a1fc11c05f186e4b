import { z } from "zod";
import { MiB } from "../descriptor.ts";
import { ImportError } from "../errors.ts";
import { parseJson } from "../json.ts";
import { codeOf } from "./errors-from-response.ts";
import { placeOfAccess } from "./place-of-access.ts";
import type { RegistryAccess, RegistryRequest, RegistryResponse, Repository } from "./registry.ts";

/**
 * Between two pages of a list. Most registries name the last entry in the Link to the next page, and `after` holds what
 * they named; the Links of others (Quay) mean something to them alone: `skip` counts pages read by such Links since.
 */
export interface PagePosition {
  readonly after?: string | undefined;
  readonly skip: number;
}

export interface ListPage {
  /** In the registry's order. */
  readonly entries: readonly string[];
  /** Undefined: it is the last one. */
  readonly next: PagePosition | undefined;
}

export interface PagedList {
  readonly access: RegistryAccess;
  readonly send: Repository["send"];
  /** e.g. `tags/list`, as `send` takes it. */
  readonly path: string;
  /** Entries asked for at once: some registries refuse more than they like, others answer with all there are. */
  readonly pageEntries: number;
  /** The property that holds them. */
  readonly property: "tags" | "repositories";
  /** What it is, for errors: `tags of team/app`. */
  readonly name: string;
}

export const firstPage: PagePosition = { skip: 0 };

/** Some registries ignore `n` and answer with everything at once. */
const maxPageBytes = 16 * MiB;

/** The pages of a list from a position on, which an earlier page has told. */
export async function* listPages(
  list: PagedList,
  { after, skip }: PagePosition,
  signal: AbortSignal,
): AsyncGenerator<ListPage> {
  const query = new URLSearchParams({ n: String(list.pageEntries), ...(after === undefined ? {} : { last: after }) });
  let target: RegistryRequest["target"] | undefined = { path: `${list.path}?${query}` };
  let position: PagePosition = { after, skip: 0 };
  const visited = new Set<string>();
  for (let at = 0; target !== undefined; at += 1) {
    const page: LinkedPage = await getPage(list, target, signal);
    const isLoop = page.link === undefined || visited.has(page.link) || leadsBack(page.link, position);
    const next: PagePosition | undefined = isLoop ? undefined : positionOf(page.link, position);
    if (at >= skip) yield { entries: page.entries, next };
    target = next === undefined || page.link === undefined ? undefined : { url: page.link };
    if (page.link !== undefined) visited.add(page.link); // a Link that leads back must not be followed for ever
    position = next ?? position;
  }
}

interface LinkedPage {
  readonly entries: readonly string[];
  readonly link: string | undefined;
}

function positionOf(link: string | undefined, before: PagePosition): PagePosition {
  const after = lastOf(link);
  return after === undefined ? { ...before, skip: before.skip + 1 } : { after, skip: 0 };
}

function leadsBack(link: string, { after, skip }: PagePosition): boolean {
  return skip === 0 && after !== undefined && lastOf(link) === after;
}

function lastOf(link: string | undefined): string | undefined {
  return link === undefined ? undefined : (URL.parse(link)?.searchParams.get("last") ?? undefined);
}

async function getPage(
  { access, send, name, property }: PagedList,
  target: RegistryRequest["target"],
  signal: AbortSignal,
): Promise<LinkedPage> {
  await using response = await send({ method: "GET", target, accept: [200], wholeBytes: maxPageBytes }, signal);
  const parsed = pageSchema.safeParse(parseJson(await response.text(maxPageBytes)));
  if (parsed.success) return { entries: parsed.data[property] ?? [], link: nextLink(response) };
  throw new ImportError({
    ...placeOfAccess(access),
    code: codeOf(access, "UNAVAILABLE"),
    what: `the list of ${name} is none`,
  });
}

const entriesSchema = z.array(z.string()).nullish();
const pageSchema = z.object({ tags: entriesSchema, repositories: entriesSchema });

/** The absolute URL of `Link: <…>; rel="next"`, which ACR gives relative and others absolute. */
export function nextLink(response: RegistryResponse): string | undefined {
  const [, link] = /<([^>]*)>\s*;[^,<]*\brel="?next"?/i.exec(response.header("link") ?? "") ?? [];
  return link === undefined ? undefined : URL.parse(link, response.url)?.href;
}
