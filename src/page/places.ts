import type { ImportView } from "../domain/import-view.ts";

type Source = NonNullable<ImportView["source"]>;
type Target = NonNullable<ImportView["target"]>;

/** `host/repository:tag`, or `host/repository@digest`. */
export function formatSource({ registry, repository, reference }: Source): string {
  return `${registry}/${repository}${reference.includes(":") ? "@" : ":"}${reference}`;
}

/** The first place at the target, and how many there are besides. */
export function formatTarget(target: Target): string {
  const [first = target.registry, ...more] = targetPlaces(target);
  return `${first}${more.length === 0 ? "" : ` and ${more.length} more`}`;
}

/** Every place at the target: tags, then repositories that are filled by digest. */
export function targetPlaces({ registry, tags, untaggedRepositories }: Target): readonly string[] {
  return [...tags, ...untaggedRepositories].map((place) => `${registry}/${place}`);
}
