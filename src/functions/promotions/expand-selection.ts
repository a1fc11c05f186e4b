import { parseRegistry, type RegistryNames } from "../../domain/import-target.ts";
import { nameTarget } from "../../domain/naming.ts";
import type { Selection } from "../../domain/promotion-request-schema.ts";
import { toReference } from "../../domain/reference.ts";
import { createRepositoryMatcher, isRepositoryName } from "../../domain/selector.ts";
import { definedOnly, ImportError } from "../../errors.ts";
import { listRepositoryPages } from "../../registry/catalog.ts";
import type { Registry } from "../../registry/registry.ts";
import { selectTags, sorted } from "./selected-tags.ts";
import {
  type ExpandPage,
  formatSelectedSource,
  isSameSource,
  type ListPosition,
  type SelectedImage,
  type SelectionCursor,
  selectedImageKey,
  targetCollision,
} from "./selection-page.ts";

export interface ExpandSelectionDeps {
  readonly sourceOf: (host: string) => Registry;
  readonly names: RegistryNames;
  /** Throws HOST_NOT_ALLOWED: the settings may have changed since the selection was accepted. */
  readonly assertAllowedSource: (host: string) => void;
  readonly now: () => Date;
}

/** A page ends once it has so many images, or has taken so long: much may be looked at for few that match. */
const pageImages = 500;
const pageMs = 60_000;

export function createExpandPage(deps: ExpandSelectionDeps): ExpandPage {
  return async (selection, cursor, signal) => {
    const host = parseRegistry(selection.source.registry, "source.registry", deps.names);
    deps.assertAllowedSource(host);
    const source = deps.sourceOf(host);
    const endsAtMs = deps.now().getTime() + pageMs;
    const images = new Map<string, SelectedImage>();
    const warnings: string[] = [];
    for await (const step of walk(source, selection, cursor ?? { v: 1, named: 0 }, signal)) {
      if (step.warning !== undefined) warnings.push(step.warning);
      for (const tag of step.tags) add(images, toImage(source, selection, step.repository, tag));
      const isFull = images.size >= pageImages || deps.now().getTime() >= endsAtMs;
      if (isFull && step.next !== undefined) return { items: [...images.values()], next: step.next, warnings };
    }
    return { items: [...images.values()], next: undefined, warnings };
  };
}

interface Step {
  readonly repository: string;
  readonly tags: readonly string[];
  /** Undefined: nothing comes after this step. */
  readonly next: SelectionCursor | undefined;
  readonly warning?: string;
}

/** First the repositories that are named, which needs no list of them, then those of the catalog that globs mean. */
async function* walk(
  source: Registry,
  selection: Selection,
  from: SelectionCursor,
  signal: AbortSignal,
): AsyncGenerator<Step> {
  const { repositories, tags } = selection.source;
  const named = [...new Set(repositories.filter(isRepositoryName))];
  const globs = repositories.filter((text) => !isRepositoryName(text));
  const matches = createRepositoryMatcher(globs);

  /** The steps of one repository; `at` is where the walk stands, `then` what comes behind the repository. */
  async function* repositorySteps(
    repository: string,
    at: Omit<SelectionCursor, "tags">,
    then: SelectionCursor | undefined,
  ): AsyncGenerator<Step> {
    const resumed = from.tags?.repository === repository ? from.tags : undefined;
    const { repository: _, ...position } = resumed ?? { repository, skip: 0 };
    const opened = source.repository(sourceName(source, repository), ["pull"]);
    for await (const chunk of selectTags(opened, tags, position, signal)) {
      const { next } = chunk;
      yield {
        repository,
        tags: chunk.tags,
        next: next === undefined ? then : { ...at, tags: { ...next, repository } },
      };
    }
  }

  for (const [index, repository] of named.entries()) {
    if (index < from.named) continue;
    const isLast = index + 1 === named.length && globs.length === 0;
    yield* repositorySteps(repository, { v: 1, named: index }, isLast ? undefined : { v: 1, named: index + 1 });
  }
  if (globs.length === 0) return;

  const behindNamed = { v: 1, named: named.length } as const;
  let here: ListPosition = from.catalog ?? { skip: 0 };
  const begun = from.named === named.length ? from.tags?.repository : undefined;
  if (begun !== undefined) {
    const at: SelectionCursor = { ...behindNamed, catalog: here };
    yield* leavingOut(repositorySteps(begun, at, at), begun, at);
  }
  for await (const { entries, next } of listRepositoryPages(source, here, signal)) {
    const rest = sorted(entries).filter((name) => here.done === undefined || name > here.done);
    for (const repository of rest.filter((name) => matches(name) && !named.includes(name))) {
      const at: SelectionCursor = { ...behindNamed, catalog: { ...here, done: repository } };
      yield* leavingOut(repositorySteps(repository, at, at), repository, at);
    }
    yield { repository: "", tags: [], next: next === undefined ? undefined : { ...behindNamed, catalog: next } };
    if (next !== undefined) here = next;
  }
}

/** A catalog may list repositories that have lost their last tag: nobody asked for them by name. */
async function* leavingOut(
  steps: AsyncGenerator<Step>,
  repository: string,
  next: SelectionCursor,
): AsyncGenerator<Step> {
  try {
    yield* steps;
  } catch (thrown) {
    if (!(thrown instanceof ImportError) || thrown.code !== "SOURCE_NOT_FOUND") throw thrown;
    yield { repository, tags: [], next, warning: `${repository} is listed by the registry, but has no tags` };
  }
}

function toImage(source: Registry, selection: Selection, repository: string, tag: string): SelectedImage {
  const { digest } = selection.source.tags;
  const target = nameTarget(selection.target, { repository, tag });
  return {
    source: toReference(source.access.registry, { repository, tag, ...definedOnly({ digest }) }),
    target: { repository: target.repository, ...definedOnly({ tag: target.tag }) },
  };
}

function add(images: Map<string, SelectedImage>, image: SelectedImage): void {
  const key = selectedImageKey(image);
  const other = images.get(key);
  if (other !== undefined && !isSameSource(other.source, image.source))
    throw targetCollision(image.target, formatSelectedSource(other), formatSelectedSource(image));
  images.set(key, image);
}

/** Docker Hub's `nginx` is `library/nginx`. */
function sourceName({ access }: Registry, repository: string): string {
  return toReference(access.registry, { repository }).repository;
}
