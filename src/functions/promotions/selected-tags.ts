import type { Digest } from "../../digest.ts";
import { createTagMatcher, newestTags, olderThan, type TagSelection } from "../../domain/selector.ts";
import { headManifest } from "../../registry/manifests.ts";
import type { Repository } from "../../registry/registry.ts";
import { listTagPages } from "../../registry/tags.ts";
import { mapConcurrently } from "../../transfer/map-concurrently.ts";
import type { ListPosition } from "./selection-page.ts";

/** Some tags that are selected, and where the list goes on behind them; undefined: there are no more. */
export interface TagChunk {
  readonly tags: readonly string[];
  readonly next: ListPosition | undefined;
}

/** Tags that are looked at between two places where an expansion may stop. */
const chunkTags = 100;
/** HEAD requests of one expansion at once; the limits of the registry hold besides. */
export const headsAtOnce = 16;

/** The selected tags of a repository from a position on. Tags are asked for by HEAD where a digest is wanted. */
export function selectTags(
  repository: Repository,
  selection: TagSelection,
  from: ListPosition,
  signal: AbortSignal,
): AsyncGenerator<TagChunk> {
  const { newest, digest } = selection;
  if (newest === undefined) return selectInOrder(repository, selection, from, signal);
  if (digest === undefined) return selectNewest(repository, { ...selection, newest }, from, signal);
  return selectNewestOfDigest(repository, { ...selection, newest, digest }, from, signal);
}

async function* selectInOrder(
  repository: Repository,
  selection: TagSelection,
  from: ListPosition,
  signal: AbortSignal,
): AsyncGenerator<TagChunk> {
  const matches = createTagMatcher(selection);
  let here: ListPosition = from;
  for await (const { entries, next } of listTagPages(repository, from, signal)) {
    // Sorted: a registry need not tell its tags in the same order twice, and `done` must mean the same then.
    const rest = sorted(entries).filter((tag) => here.done === undefined || tag > here.done);
    const found = rest.filter(matches);
    for (let at = 0; at < found.length; at += chunkTags) {
      const chunk = found.slice(at, at + chunkTags);
      const tags = await ofDigest(repository, chunk, selection.digest, signal);
      yield { tags, next: { ...here, done: chunk.at(-1) ?? "" } };
    }
    yield { tags: [], next };
    if (next !== undefined) here = next;
  }
}

/** Needs the whole list, however far it was read before, and keeps of it what may be among the newest. */
async function* selectNewest(
  repository: Repository,
  selection: TagSelection & { readonly newest: number },
  { done }: ListPosition,
  signal: AbortSignal,
): AsyncGenerator<TagChunk> {
  const matches = createTagMatcher(selection);
  const { newest } = selection;
  let kept: readonly string[] = [];
  for await (const { entries } of listTagPages(repository, { skip: 0 }, signal))
    kept = newestTags([...new Set([...kept, ...entries.filter(matches)])], newest);
  const rest = done === undefined ? kept : olderThan(kept, done);
  for (let at = 0; at < rest.length; at += chunkTags) {
    const tags = rest.slice(at, at + chunkTags);
    yield { tags, next: at + chunkTags < rest.length ? { skip: 0, done: tags.at(-1) ?? "" } : undefined };
  }
}

/**
 * Needs all names, too, and asks what they hold from the newest on, until enough hold the digest. It may stop behind each
 * chunk: to ask a long list may take longer than one page of an expansion has.
 */
async function* selectNewestOfDigest(
  repository: Repository,
  selection: TagSelection & { readonly newest: number; readonly digest: Digest },
  { done, found: foundBefore = 0 }: ListPosition,
  signal: AbortSignal,
): AsyncGenerator<TagChunk> {
  const matches = createTagMatcher(selection);
  const { newest, digest } = selection;
  const names = new Set<string>();
  for await (const { entries } of listTagPages(repository, { skip: 0 }, signal))
    for (const tag of entries) if (matches(tag)) names.add(tag);
  const all = newestTags([...names], names.size);
  const rest = done === undefined ? all : olderThan(all, done);
  let found = foundBefore;
  for (let at = 0; at < rest.length && found < newest; at += chunkTags) {
    const chunk = rest.slice(at, at + chunkTags);
    const tags = (await ofDigest(repository, chunk, digest, signal)).slice(0, newest - found);
    found += tags.length;
    const isLast = at + chunkTags >= rest.length || found === newest;
    yield { tags, next: isLast ? undefined : { skip: 0, done: chunk.at(-1) ?? "", found } };
  }
}

/** Each once, in code point order. */
export function sorted(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort();
}

async function ofDigest(
  repository: Repository,
  tags: readonly string[],
  digest: Digest | undefined,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (digest === undefined) return tags;
  const heads = await mapConcurrently(tags, headsAtOnce, (tag) => headManifest(repository, tag, signal));
  return tags.filter((_, at) => heads[at]?.digest === digest);
}
