import { z } from "zod";
import { MiB } from "../descriptor.ts";
import { ImportError } from "../errors.ts";
import { codeOf, parseUpstreamErrors } from "./errors-from-response.ts";
import type { RegistryRequest, RegistryResponse, Repository } from "./registry.ts";

/** Tags asked for per page: ECR refuses more than 1,000. */
const pageTags = 1_000;
/** Some registries ignore `n` and answer with every tag at once. */
const maxPageBytes = 16 * MiB;

const pageSchema = z.object({ tags: z.array(z.string()).nullish() });

/** The tags of a repository, page by page, in the registry's order. A repository that is not there is an error. */
export async function* listTags(repository: Repository, signal: AbortSignal): AsyncGenerator<string> {
  let target: RegistryRequest["target"] | undefined = { path: `tags/list?n=${pageTags}` };
  const visited = new Set<string>();
  while (target !== undefined) {
    const page: TagPage = await getPage(repository, target, signal);
    yield* page.tags;
    target = page.next === undefined || visited.has(page.next) ? undefined : { url: page.next };
    if (page.next !== undefined) visited.add(page.next); // a Link that leads back must not be followed for ever
  }
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

interface TagPage {
  readonly tags: readonly string[];
  readonly next: string | undefined;
}

async function getPage(
  repository: Repository,
  target: RegistryRequest["target"],
  signal: AbortSignal,
): Promise<TagPage> {
  await using response = await repository.send({ method: "GET", target, accept: [200] }, signal);
  const parsed = pageSchema.safeParse(parseJson(await response.text(maxPageBytes)));
  if (!parsed.success) {
    const { access } = repository.registry;
    const what = `the list of tags of ${repository.name} is none`;
    throw new ImportError({ ...access, code: codeOf(access, "UNAVAILABLE"), what });
  }
  return { tags: parsed.data.tags ?? [], next: nextLink(response) };
}

/** The absolute URL of `Link: <…>; rel="next"`, which ACR gives relative and others absolute. */
function nextLink(response: RegistryResponse): string | undefined {
  const [, link] = /<([^>]*)>\s*;[^,<]*\brel="?next"?/i.exec(response.header("link") ?? "") ?? [];
  return link === undefined ? undefined : URL.parse(link, response.url)?.href;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
