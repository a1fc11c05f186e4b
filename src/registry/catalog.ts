import { ImportError } from "../errors.ts";
import { type ListPage, listPages, type PagedList, type PagePosition } from "./list-pages.ts";
import { placeOfAccess } from "./place-of-access.ts";
import type { Registry } from "./registry.ts";

/** Repositories asked for per page: what distribution and ACR answer by default, so that none of them refuses it. */
const pageEntries = 100;

/**
 * The repositories of a registry (`GET /v2/_catalog`), page by page. Many registries do not tell them, or not to everyone
 * (Docker Hub, GHCR, ACR without the role Repository Catalog Lister): SOURCE_CATALOG_REFUSED.
 */
export async function* listRepositoryPages(
  registry: Registry,
  from: PagePosition,
  signal: AbortSignal,
): AsyncGenerator<ListPage> {
  const list: PagedList = {
    access: registry.access,
    send: registry.sendToCatalog,
    path: "_catalog",
    pageEntries,
    property: "repositories",
    name: "repositories",
  };
  try {
    yield* listPages(list, from, signal);
  } catch (thrown) {
    throw refusesList(thrown) ? catalogRefused(registry, thrown) : thrown;
  }
}

function refusesList(thrown: unknown): thrown is ImportError {
  if (!(thrown instanceof ImportError)) return false;
  const { httpStatus = 0, upstream = [] } = thrown.toWire();
  return [401, 403, 404, 405, 501].includes(httpStatus) || upstream.some(({ code }) => code === "UNSUPPORTED");
}

function catalogRefused({ access }: Registry, refused: ImportError): ImportError {
  const { httpStatus, upstream } = refused.toWire();
  return new ImportError({
    ...placeOfAccess(access),
    code: "SOURCE_CATALOG_REFUSED",
    property: "source.repositories",
    what: `the registry does not list its repositories${httpStatus === undefined ? "" : ` (${httpStatus})`}`,
    hint: "name the repositories without globs, or grant the right to list them (ACR: Container Registry Repository Catalog Lister)",
    ...(httpStatus === undefined ? {} : { httpStatus }),
    ...(upstream === undefined ? {} : { upstream }),
    cause: refused,
  });
}
