import { type Digest, digestOf } from "../../digest.ts";
import { conformant, type RegistryBehaviour } from "./behaviour.ts";
import { createBlobs } from "./blobs.ts";
import { type Answer, answer, type Call, type Handle, isRepositoryName, Refusal } from "./call.ts";
import { type Catalog, createCatalog } from "./catalog.ts";
import { type Content, createMemoryContent } from "./content.ts";
import { serve } from "./http-server.ts";
import { createLists } from "./lists.ts";
import { createManifests, describeManifest, type ManifestBytes } from "./manifests.ts";
import { createUploads, type OpenSession } from "./uploads.ts";

export interface EmbeddedRegistryOptions {
  /** 0: the system chooses. */
  readonly port: number;
  readonly behaviour?: Partial<RegistryBehaviour>;
  /** Put around the handling of every request: for logs and faults. */
  readonly wrap?: (handle: Handle) => Handle;
}

/** An OCI registry (distribution-spec 1.1) in this process, on 127.0.0.1. */
export interface EmbeddedRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string;
  readonly url: string;
  readonly catalog: Catalog;
  readonly content: Content;
  readonly openSessions: () => OpenSession[];
  /** Puts a blob into a repository without a request. */
  readonly putBlob: (repository: string, bytes: Uint8Array, digest?: Digest) => Promise<Digest>;
  /** Puts a manifest into a repository without a request and without checks; its tags are the caller's. */
  readonly putManifest: (repository: string, manifest: ManifestBytes) => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function startEmbeddedRegistry(options: EmbeddedRegistryOptions): Promise<EmbeddedRegistry> {
  const behaviour = { ...conformant, ...options.behaviour };
  const content = createMemoryContent();
  const catalog = createCatalog({ history: [], store: async () => undefined });
  let url = "";
  const deps = { catalog, content, behaviour, origin: () => url };
  const uploads = createUploads(deps);
  const handle = answering(createDispatch({ ...deps, uploads }));
  const server = await serve(options.wrap?.(handle) ?? handle, options.port);
  const host = `127.0.0.1:${server.port}`;
  url = `http://${host}`;
  const close = () => server.close();
  return {
    host,
    url,
    catalog,
    content,
    openSessions: uploads.openSessions,
    putBlob: async (repository, bytes, digest = digestOf(bytes)) => {
      if (!isRepositoryName(repository)) throw new Error(`${repository} is not a repository name`);
      await content.write(digest, bytes);
      await catalog.change({ kind: "blob", repository, digest });
      return digest;
    },
    putManifest: async (repository, { bytes, mediaType, digest }) => {
      await content.write(digest, bytes);
      const manifest = describeManifest(bytes, { digest, mediaType, sizeBytes: bytes.byteLength });
      await catalog.change({ kind: "manifest", repository, manifest });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Refusals become answers below whatever is wrapped around, which then sees answers alone. */
function answering(handle: Handle): Handle {
  return async (call) => {
    try {
      return await handle(call);
    } catch (thrown) {
      if (thrown instanceof Refusal) return thrown.answer;
      throw thrown;
    }
  };
}

interface DispatchDeps {
  readonly catalog: Catalog;
  readonly content: Content;
  readonly behaviour: RegistryBehaviour;
  readonly origin: () => string;
  readonly uploads: ReturnType<typeof createUploads>;
}

const apiVersion = { "docker-distribution-api-version": "registry/2.0" };

function createDispatch(deps: DispatchDeps): Handle {
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
      case "none":
        return notFound();
    }
  };
}

function notFound(): Answer {
  throw new Refusal(404, "NOT_FOUND", "there is nothing at this path");
}

function requireDigest(digest: Digest | undefined): Digest {
  if (digest === undefined) throw new Refusal(400, "DIGEST_INVALID", "the digest is not valid");
  return digest;
}
