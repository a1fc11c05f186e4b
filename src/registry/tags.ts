import { ImportError } from "../errors.ts";
import { firstPage, type ListPage, listPages, type PagePosition } from "./list-pages.ts";
import type { Repository } from "./registry.ts";
import { parseUpstreamErrors } from "./upstream-errors.ts";

/** Tags asked for per page: ECR refuses more than 1,000. */
const pageEntries = 1_000;

/** The tags of a repository, page by page, in the registry's order. A repository that is not there is an error. */
export async function* listTags(repository: Repository, signal: AbortSignal): AsyncGenerator<string> {
  for await (const { entries } of listTagPages(repository, firstPage, signal)) yield* entries;
}

/** The pages of {@link listTags} from a position on, which an earlier page has told. */
export function listTagPages(
  repository: Repository,
  from: PagePosition,
  signal: AbortSignal,
): AsyncGenerator<ListPage> {
  const list = {
    access: repository.registry.access,
    send: (target, accept, listSignal) => repository.send({ method: "GET", target, accept }, listSignal),
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
