import type { Digest } from "../../digest.ts";
import type { RegistryBehaviour } from "./behaviour.ts";
import { createBlobs } from "./blobs.ts";
import { answer, type Call, type Handle, Refusal } from "./call.ts";
import type { Catalog } from "./catalog.ts";
import type { Content } from "./content.ts";
import { createLists } from "./lists.ts";
import { createManifests } from "./manifests.ts";
import type { createUploads } from "./uploads.ts";

/** Refusals become answers below whatever is wrapped around, which then sees answers alone. */
export function answering(handle: Handle): Handle {
  return async (call) => {
    try {
      return await handle(call);
    } catch (thrown) {
      if (thrown instanceof Refusal) return thrown.answer;
      throw thrown;
    }
  };
}

export interface DispatchDeps {
  readonly catalog: Catalog;
  readonly content: Content;
  readonly behaviour: RegistryBehaviour;
  readonly origin: () => string;
  readonly uploads: ReturnType<typeof createUploads>;
}

const apiVersion = { "docker-distribution-api-version": "registry/2.0" };

/** Hands every call to whoever serves its route. */
export function createDispatch(deps: DispatchDeps): Handle {
  const { catalog, behaviour, uploads } = deps;
  const blobs = createBlobs(deps);
  const manifests = createManifests(deps);
  const lists = createLists(deps);

  const checkRepository = (call: Call, repository: string): void => {
    const isPush = call.method === "POST" || call.method === "PUT" || call.method === "PATCH";
    if (isPush && behaviour.newRepositories === "refused" && !catalog.repositories.has(repository))
      throw new Refusal(404, "NAME_UNKNOWN", `repository ${repository} is not known`);
  };

  return async (call) => {
    const { route } = call;
    if ("repository" in route) checkRepository(call, route.repository);
    switch (route.kind) {
      case "base":
        return answer(200, apiVersion);
      case "catalog":
        return lists.repositories(call);
      case "tags":
        return lists.tags(call, route.repository);
      case "manifest":
        return await manifests(call, route.repository, route.reference);
      case "blob":
        return await blobs(call, route.repository, requireDigest(route.digest));
      case "uploads":
        return await uploads.start(call, route.repository);
      case "upload":
        return await uploads.go(call, route.repository, route.session);
      case "referrers":
        return lists.referrers(call, route.repository, requireDigest(route.digest));
      case "bad-name":
        throw new Refusal(400, "NAME_INVALID", "the repository name is not valid");
      case "token":
      case "exchange":
      case "none":
        throw new Refusal(404, "NOT_FOUND", "there is nothing at this path");
    }
  };
}

function requireDigest(digest: Digest | undefined): Digest {
  if (digest === undefined) throw new Refusal(400, "DIGEST_INVALID", "the digest is not valid");
  return digest;
}
