import { ImportError } from "../errors.ts";
import { parseRegistryResourceId } from "./arm-resource-id.ts";
import type { ImportRequest } from "./import-request-schema.ts";
import { parseRegistryUri, parseSourceImage, repositorySchema, type SourceImage } from "./reference.ts";
import type { Registries } from "./registries.ts";

/** What the service's settings say about the names of registries. */
export interface RegistryNames {
  /** Host of the target when a request names none. */
  readonly defaultTarget: string | undefined;
  readonly registries: Pick<Registries, "hostOfName" | "hostOfResource">;
  /** What a bare registry name is completed with: `azurecr.io` in the public cloud. */
  readonly registrySuffix: string;
}

/** Where an import goes: a registry, and what to fill there. */
export interface ImportTarget {
  readonly registry: string;
  readonly tags: readonly { readonly repository: string; readonly tag: string }[];
  readonly untaggedRepositories: readonly string[];
}

/**
 * The target of a request. Without target lists it is the source's repository as typed, with its tag; a source given by
 * digest alone is copied without a tag. A target tag without a tag gets the source's, else `latest` (ARM's rule).
 */
export function parseImportTarget(request: ImportRequest, source: SourceImage, names: RegistryNames): ImportTarget {
  const registry = parseTargetRegistry(request.target, names);
  const { targetTags = [], untaggedTargetRepositories = [] } = request; // ARM clients send [] for what is not given
  if (targetTags.length === 0 && untaggedTargetRepositories.length === 0) return { registry, ...defaultPlaces(source) };
  const tags = targetTags.map((text, at) => parseTargetTag(withoutHost(text, registry), `targetTags[${at}]`, source));
  const repositories = untaggedTargetRepositories.map((text, at) =>
    parseRepository(withoutHost(text, registry), `untaggedTargetRepositories[${at}]`),
  );
  const distinct = new Map(tags.map((place) => [`${place.repository}:${place.tag}`, place]));
  return { registry, tags: [...distinct.values()], untaggedRepositories: [...new Set(repositories)] };
}

/** A registry as a request names it: address, alias, or bare name of a registry in Azure. */
export function parseRegistry(text: string, property: string, { registries, registrySuffix }: RegistryNames): string {
  const name = text.toLowerCase();
  if (!bareNamePattern.test(name) || name === "localhost") return parseRegistryUri(text, property);
  return registries.hostOfName(name) ?? parseRegistryUri(`${name}.${registrySuffix}`, property);
}

/** Cuts `name/rest` where the settings know the name as that of a registry; without `host`, they do not. */
export function aliasIn(
  text: string,
  { registries }: Pick<RegistryNames, "registries">,
): { readonly alias: string; readonly rest: string; readonly host: string | undefined } {
  const [alias = "", ...rest] = text.split("/");
  const isName = rest.length > 0 && bareNamePattern.test(alias) && alias !== "localhost";
  return { alias, rest: rest.join("/"), host: isName ? registries.hostOfName(alias) : undefined };
}

/** A registry by its resource id in Azure; assumed where the settings do not tell its host. */
export function parseRegistryResource(
  text: string,
  property: string,
  { registries, registrySuffix }: RegistryNames,
): { readonly registry: string; readonly isAssumed?: true } {
  const id = parseRegistryResourceId(text);
  if (id === undefined)
    throw invalidReference(
      property,
      text,
      "it is no resource id of a registry",
      "expected /subscriptions/…/resourceGroups/…/providers/Microsoft.ContainerRegistry/registries/…",
    );
  const set = registries.hostOfResource(text);
  if (set !== undefined) return { registry: set };
  return { registry: parseRegistryUri(`${id.name.toLowerCase()}.${registrySuffix}`, property), isAssumed: true };
}

/** An image that repeats its registry's host is meant without it, as with `az acr import --registry`. */
export function withoutHost(image: string, registry: string): string {
  return image.toLowerCase().startsWith(`${registry}/`) ? image.slice(registry.length + 1) : image;
}

/** The name of a registry in Azure, or an alias: no dot and no port. */
export const bareNamePattern = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

function parseTargetRegistry(text: string | undefined, names: RegistryNames): string {
  if (text !== undefined) return parseRegistry(text, "target", names);
  if (names.defaultTarget !== undefined) return names.defaultTarget;
  throw new ImportError({
    code: "INVALID_REQUEST",
    stage: "accept",
    property: "target",
    what: "target: is missing",
    hint: "name the target registry, or have the operator set DEFAULT_TARGET",
  });
}

function defaultPlaces({ repository, tag, digest }: SourceImage): Pick<ImportTarget, "tags" | "untaggedRepositories"> {
  if (tag === undefined && digest !== undefined) return { tags: [], untaggedRepositories: [repository] };
  return { tags: [{ repository, tag: tag ?? "latest" }], untaggedRepositories: [] };
}

function parseTargetTag(text: string, property: string, source: SourceImage): ImportTarget["tags"][number] {
  const { repository, tag, digest } = parseSourceImage(text, property);
  if (digest !== undefined)
    throw invalidReference(property, text, "a target tag takes no digest", "write repository:tag");
  return { repository, tag: tag ?? source.tag ?? "latest" };
}

function parseRepository(text: string, property: string): string {
  const { repository, tag, digest } = parseSourceImage(text, property);
  if (tag === undefined && digest === undefined) return repositorySchema.parse(repository);
  throw invalidReference(property, text, "a repository without tag and digest is expected", "use targetTags for tags");
}

function invalidReference(property: string, text: string, what: string, hint: string): ImportError {
  const shown = JSON.stringify(text.slice(0, 200));
  return new ImportError({
    code: "INVALID_REFERENCE",
    stage: "accept",
    property,
    what: `${property} ${shown}: ${what}`,
    hint,
  });
}
