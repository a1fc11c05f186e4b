import { ImportError } from "../errors.ts";
import { type ListPage, listPages, type PagePosition } from "./list-pages.ts";
import type { Repository } from "./registry.ts";
import { parseUpstreamErrors } from "./upstream-errors.ts";

/** Tags asked for per page: ECR refuses more than 1,000. */
const pageEntries = 1_000;

/**
 * The tags of a repository, in the registry's order, in pages from a position on that an earlier page has told. A
 * repository that is not there is an error.
 */
export function listTagPages(
  repository: Repository,
  from: PagePosition,
  signal: AbortSignal,
): AsyncGenerator<ListPage> {
  const list = {
    access: repository.registry.access,
    send: repository.send,
    path: "tags/list",
    pageEntries,
    property: "tags",
    name: `tags of ${repository.name}`,
  } as const satisfies Parameters<typeof listPages>[0];
  return listPages(list, from, signal);
}

/** False only when the registry says so (404 NAME_UNKNOWN): whatever is unclear is found out by the work itself. */
export async function repositoryExists(repository: Repository, signal: AbortSignal): Promise<boolean> {
  try {
    const target = { path: "tags/list?n=1" };
    await using response = await repository.send({ method: "GET", target, accept: [200, 404] }, signal);
    if (response.status === 200) return true;
    const errors = parseUpstreamErrors(await response.text(64 * 1024));
    return !errors.some(({ code }) => code === "NAME_UNKNOWN");
  } catch (thrown) {
    if (thrown instanceof ImportError) return true;
    throw thrown;
  }
}
