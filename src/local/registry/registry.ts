import { type Digest, digestOf } from "../../digest.ts";
import { type AuthOptions, requireBasic, requireBearer } from "./auth.ts";
import { conformant, type RegistryBehaviour } from "./behaviour.ts";
import { type Handle, isRepositoryName } from "./call.ts";
import { type Catalog, createCatalog } from "./catalog.ts";
import { openCatalogJournal } from "./catalog-journal.ts";
import { type Content, createMemoryContent } from "./content.ts";
import { openDiskContent } from "./content-disk.ts";
import { answering, createDispatch } from "./dispatch.ts";
import { serve } from "./http-server.ts";
import { describeManifest, type ManifestBytes } from "./manifests.ts";
import { createTokenService, type TokenRequest } from "./tokens.ts";
import { createUploads, type OpenSession } from "./uploads.ts";

export interface EmbeddedRegistryOptions {
  /** 0: the system chooses. */
  readonly port: number;
  /** Where blobs, tags and open uploads outlive the process. Default: in memory. */
  readonly directory?: string;
  /** Default: everybody may do everything. */
  readonly auth?: AuthOptions;
  readonly behaviour?: Partial<RegistryBehaviour>;
  /** Put around the handling of every request: for logs and faults. */
  readonly wrap?: (handle: Handle) => Handle;
}

/** An OCI registry (distribution-spec 1.1) in this process, on 127.0.0.1. */
export interface EmbeddedRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string;
  readonly url: string;
  /** Host of the token service: the registry's own, or one with a port of its own. */
  readonly tokenHost: string;
  readonly catalog: Catalog;
  readonly content: Content;
  readonly openSessions: () => OpenSession[];
  /** What the token service was asked, in the order of arrival. */
  readonly tokenRequests: readonly TokenRequest[];
  /** Makes all tokens issued so far invalid, refresh tokens apart. */
  readonly revokeTokens: () => void;
  readonly revokeRefreshTokens: () => void;
  /** Puts a blob into a repository without a request. */
  readonly putBlob: (repository: string, bytes: Uint8Array, digest?: Digest) => Promise<Digest>;
  /** Puts a manifest into a repository without a request and without checks; its tags are the caller's. */
  readonly putManifest: (repository: string, manifest: ManifestBytes) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Starts a registry. Closing it destroys open connections and leaves what is on disk. */
export async function startEmbeddedRegistry(options: EmbeddedRegistryOptions): Promise<EmbeddedRegistry> {
  const { catalog, content, close: closeStore } = await openStore(options.directory);
  const tokens = options.auth?.kind === "bearer" ? createTokenService(options.auth) : undefined;
  let url = "";
  let tokenUrl = "";
  const deps = { catalog, content, behaviour: { ...conformant, ...options.behaviour }, origin: () => url };
  const uploads = createUploads(deps);
  const dispatch = answering(createDispatch({ ...deps, uploads }));
  const guarded =
    tokens === undefined
      ? options.auth?.kind === "basic"
        ? requireBasic(options.auth, dispatch)
        : dispatch
      : requireBearer(tokens, () => `${tokenUrl}${tokens.path}`, dispatch);
  const handle = options.wrap?.(guarded) ?? guarded;

  const server = await serve(handle, options.port);
  const hasOwnPort = options.auth?.kind === "bearer" && options.auth.endpoint === "own-port";
  const tokenServer = hasOwnPort ? await serve(handle, 0) : server;
  url = `http://127.0.0.1:${server.port}`;
  tokenUrl = `http://127.0.0.1:${tokenServer.port}`;
  const close = async (): Promise<void> => {
    await Promise.all([server.close(), tokenServer.close()]);
    await closeStore();
  };

  return {
    host: `127.0.0.1:${server.port}`,
    url,
    tokenHost: `127.0.0.1:${tokenServer.port}`,
    catalog,
    content,
    openSessions: uploads.openSessions,
    tokenRequests: tokens?.requests ?? [],
    revokeTokens: () => tokens?.revokeAll(),
    revokeRefreshTokens: () => tokens?.revokeRefreshTokens(),
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

interface Store {
  readonly catalog: Catalog;
  readonly content: Content;
  readonly close: () => Promise<void>;
}

async function openStore(directory: string | undefined): Promise<Store> {
  if (directory === undefined) {
    const catalog = createCatalog({ history: [], store: async () => undefined });
    return { catalog, content: createMemoryContent(), close: async () => undefined };
  }
  const journal = await openCatalogJournal(directory);
  const catalog = createCatalog(journal);
  const content = await openDiskContent(directory, new Set(catalog.sessions.keys()));
  return { catalog, content, close: journal.close };
}
