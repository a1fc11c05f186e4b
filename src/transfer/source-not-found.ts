import { ImportError } from "../errors.ts";
import type { Repository } from "../registry/registry.ts";
import { placeOf } from "./place-of.ts";

/** `repository:tag` or `repository@digest`. */
export function formatPlace({ name }: Repository, reference: string): string {
  return `${name}${reference.includes(":") ? "@" : ":"}${reference}`;
}

/** What a user has named as the source is not there. */
export function sourceNotFound(source: Repository, reference: string): ImportError {
  return new ImportError({
    ...placeOf(source),
    code: "SOURCE_NOT_FOUND",
    httpStatus: 404,
    what: `${formatPlace(source, reference)} is not there`,
    hint: "check repository and tag; some registries answer this for private repositories, too",
  });
}
