import { mediaTypes } from "../../descriptor.ts";
import type { Digest } from "../../digest.ts";
import type { RegistryBehaviour } from "./behaviour.ts";
import { type Answer, type Call, jsonAnswer, Refusal } from "./call.ts";
import type { Catalog } from "./catalog.ts";

export interface ListsDeps {
  readonly catalog: Catalog;
  readonly behaviour: RegistryBehaviour;
  readonly origin: () => string;
}

/** Tags, repositories and referrers. The first two are paged by `n` and `last`, with a Link to the next page. */
export function createLists({ catalog, behaviour, origin }: ListsDeps) {
  const paged = (call: Call, all: readonly string[], toBody: (page: readonly string[]) => unknown): Answer => {
    const { page, next } = pageOf(call, [...all].sort());
    const path = next === undefined ? "" : `${call.path}?${next}`;
    const url = behaviour.urls === "absolute" ? `${origin()}${path}` : path;
    return jsonAnswer(200, toBody(page), next === undefined ? {} : { link: `<${url}>; rel="next"` });
  };

  return {
    tags: (call: Call, name: string): Answer => {
      const repository = catalog.repositories.get(name);
      if (repository === undefined) throw new Refusal(404, "NAME_UNKNOWN", `repository ${name} is not known`);
      return paged(call, [...repository.tags.keys()], (tags) => ({ name, tags }));
    },
    repositories: (call: Call): Answer =>
      paged(call, [...catalog.repositories.keys()], (repositories) => ({ repositories })),
    referrers: (call: Call, name: string, subject: Digest): Answer => {
      if (behaviour.referrers === "missing") return plainNotFound();
      const wanted = call.query.get("artifactType");
      const manifests = [...(catalog.repositories.get(name)?.manifests.values() ?? [])]
        .filter((manifest) => manifest.subject === subject)
        .filter(({ artifactType }) => wanted === null || artifactType === wanted)
        .map(({ mediaType, digest, sizeBytes, artifactType, annotations }) => ({
          mediaType,
          digest,
          size: sizeBytes,
          artifactType,
          annotations,
        }));
      const headers = wanted === null ? {} : { "oci-filters-applied": "artifactType" };
      const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
      return jsonAnswer(200, index, { "content-type": mediaTypes.ociIndex, ...headers });
    },
  };
}

/** What distribution 2.8 answers at paths that it does not know. */
function plainNotFound(): Answer {
  const body = new TextEncoder().encode("404 page not found\n");
  return { kind: "answer", status: 404, headers: { "content-type": "text/plain; charset=utf-8" }, body };
}

function pageOf(call: Call, sorted: readonly string[]): { page: readonly string[]; next: string | undefined } {
  const last = call.query.get("last");
  const rest = last === null ? sorted : sorted.filter((entry) => entry > last);
  const asked = call.query.get("n");
  if (asked === null) return { page: rest, next: undefined };
  if (!/^\d+$/.test(asked)) throw new Refusal(400, "PAGINATION_NUMBER_INVALID", "n is not a number");
  const page = rest.slice(0, Number(asked));
  const end = page.at(-1);
  const hasMore = end !== undefined && page.length < rest.length;
  return { page, next: hasMore ? new URLSearchParams({ n: asked, last: end }).toString() : undefined };
}
