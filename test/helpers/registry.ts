import { type Digest, digestOf, parseDigest } from "../../src/digest.ts";
import { definedOnly } from "../../src/errors.ts";
import type { AuthOptions } from "../../src/local/registry/auth.ts";
import type { RegistryBehaviour } from "../../src/local/registry/behaviour.ts";
import { type Answer, type Handle, refusal } from "../../src/local/registry/call.ts";
import type { Content } from "../../src/local/registry/content.ts";
import { serve } from "../../src/local/registry/http-server.ts";
import { startEmbeddedRegistry } from "../../src/local/registry/registry.ts";
import type { TokenRequest } from "../../src/local/registry/tokens.ts";
import type { OpenSession } from "../../src/local/registry/uploads.ts";
import { type Fault, type FaultMatch, fault, withFaults } from "./faults.ts";
import { createHolds, type Hold, type HoldAt } from "./holds.ts";
import { type TestImage, testBytes } from "./images.ts";
import { createRequestLog, matches, type RequestMatch, type RequestRecord } from "./requests.ts";
import { createStorage } from "./storage.ts";

export interface TestRegistryOptions {
  readonly faults?: readonly Fault[];
  readonly auth?: AuthOptions;
  /** Default: everything in memory. */
  readonly directory?: string;
  readonly behaviour?: Partial<RegistryBehaviour>;
}

export interface SeededBlob {
  readonly repository: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly content: Uint8Array;
}

/** The embedded registry with a log of its requests, faults, and direct access to what it holds. */
export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string;
  readonly url: string;
  readonly tokenHost: string;
  /** Host of the second server, which serves redirected downloads. */
  readonly storageHost: string;
  /** Every request so far, those to the storage server too, in the order of arrival. */
  readonly requests: readonly RequestRecord[];
  readonly countRequests: (match?: RequestMatch) => number;
  /** Body bytes that came for a digest (over all sessions that were closed with it) or for a session. */
  readonly bytesReceived: (digestOrSession: string) => number;
  readonly openSessions: () => OpenSession[];
  /** What the token service was asked. */
  readonly tokenRequests: readonly TokenRequest[];
  /** Makes all tokens issued so far invalid, refresh tokens apart. */
  readonly revokeTokens: () => void;
  readonly revokeRefreshTokens: () => void;
  /** The blob is there (in that repository, or in any), and its bytes have that digest. */
  readonly holdsBlob: (digest: Digest, repository?: string) => Promise<boolean>;
  /**
   * The blob, wherever it is; compare megabytes by `holdsBlob`, `toEqual` takes seconds for them. Undefined when it
   * is in no repository (or not in the one named).
   */
  readonly readBlob: (digest: Digest, repository?: string) => Promise<Uint8Array | undefined>;
  readonly readManifest: (
    repository: string,
    reference: string,
  ) => Promise<{ readonly bytes: Uint8Array; readonly mediaType: string; readonly digest: Digest } | undefined>;
  /** Tag → digest. */
  readonly tags: (repository: string) => Readonly<Record<string, Digest>>;
  readonly seedBlob: (
    blob: { readonly repository?: string } & ({ readonly sizeBytes: number } | { readonly content: Uint8Array }),
  ) => Promise<SeededBlob>;
  /** Puts an image into the registry without a request; no tag: by digest only. */
  readonly seedImage: (repository: string, tag: string | undefined, image: TestImage) => Promise<TestImage>;
  /** The first request, past or to come, that matches. It rejects after `deadlineMs`, naming what did not come. */
  readonly waitForRequest: (match: RequestMatch, deadlineMs: number) => Promise<RequestRecord>;
  /** Stops the next matching request at a point until the test lets it go. */
  readonly hold: (match: FaultMatch, at?: HoldAt) => Hold;
  /** Answers the next matching request with an error. */
  readonly failNext: (match: FaultMatch, status: number, code?: string) => void;
  /** Adds a fault around those that are there. */
  readonly addFault: (fault: Fault) => void;
  readonly setFaults: (faults: readonly Fault[]) => void;
  readonly close: () => Promise<void>;
}

/** Starts a registry for one test. It works for clients in other processes too. */
export async function startRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const log = createRequestLog();
  const holds = createHolds();
  let faults = [...(options.faults ?? [])];
  let storageUrl = "";
  const storage = createStorage(
    () => registry.content,
    () => storageUrl,
  );
  const wrap = (handle: Handle): Handle =>
    log.wrap((call) => {
      const context = { storage, catalog: registry.catalog, url: registry.url };
      return withFaults([...holds.faults(), ...faults], handle, context)(call);
    });

  const registry = await startEmbeddedRegistry({
    port: 0,
    wrap,
    ...definedOnly({ behaviour: options.behaviour, auth: options.auth, directory: options.directory }),
  });
  const { catalog, content } = registry;
  const storageServer = await serve(wrap(storage.handle), 0);
  storageUrl = `http://127.0.0.1:${storageServer.port}`;

  const readBlob = async (digest: Digest, repository?: string): Promise<Uint8Array | undefined> => {
    const places = repository === undefined ? [...catalog.repositories.keys()] : [repository];
    const isThere = places.some((name) => catalog.repositories.get(name)?.blobs.has(digest));
    return isThere ? await readAll(content, digest) : undefined;
  };
  const close = async (): Promise<void> => {
    holds.releaseAll();
    await Promise.all([registry.close(), storageServer.close()]);
  };

  return {
    host: registry.host,
    url: registry.url,
    tokenHost: registry.tokenHost,
    storageHost: `127.0.0.1:${storageServer.port}`,
    requests: log.requests,
    countRequests: (match) =>
      match === undefined ? log.requests.length : log.requests.filter((request) => matches(match, request)).length,
    bytesReceived: (digestOrSession) => bytesReceived(log.requests, digestOrSession),
    openSessions: registry.openSessions,
    tokenRequests: registry.tokenRequests,
    revokeTokens: registry.revokeTokens,
    revokeRefreshTokens: registry.revokeRefreshTokens,
    holdsBlob: async (digest, repository) => {
      const bytes = await readBlob(digest, repository);
      return bytes !== undefined && digestOf(bytes, digest) === digest;
    },
    readBlob,
    readManifest: async (repository, reference) => {
      const held = catalog.repositories.get(repository);
      const digest = parseDigest(reference) ?? held?.tags.get(reference);
      const manifest = digest === undefined ? undefined : held?.manifests.get(digest);
      if (manifest === undefined) return undefined;
      const bytes = await readAll(content, manifest.digest);
      return { bytes, mediaType: manifest.mediaType, digest: manifest.digest };
    },
    tags: (repository) => Object.fromEntries(catalog.repositories.get(repository)?.tags ?? []),
    seedBlob: async (blob) => {
      const repository = blob.repository ?? "test/blobs";
      const bytes = "content" in blob ? blob.content : testBytes(blob.sizeBytes, `blob of ${blob.sizeBytes}`);
      const digest = await registry.putBlob(repository, bytes);
      return { repository, digest, sizeBytes: bytes.byteLength, content: bytes };
    },
    seedImage: async (repository, tag, image) => {
      for (const blob of image.blobs) await registry.putBlob(repository, blob.content, blob.descriptor.digest);
      for (const manifest of image.manifests) await registry.putManifest(repository, manifest);
      if (tag !== undefined) await catalog.change({ kind: "tag", repository, tag, digest: image.root.digest });
      return image;
    },
    waitForRequest: log.wait,
    hold: holds.hold,
    failNext: (match, status, code = "UNKNOWN") => {
      const failing = async (): Promise<Answer> => refusal(status, code, "this request fails");
      faults = [fault("failNext", { times: 1, ...match }, failing), ...faults];
    },
    addFault: (added) => {
      faults = [added, ...faults];
    },
    setFaults: (all) => {
      faults = [...all];
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function bytesReceived(requests: readonly RequestRecord[], digestOrSession: string): number {
  const closedWith = requests
    .filter(({ kind, digest }) => kind === "upload-put" && digest === digestOrSession)
    .map(({ session }) => session);
  return requests
    .filter(({ session, digest, kind }) => {
      if (session === undefined) return kind === "upload-start" && digest === digestOrSession;
      return session === digestOrSession || closedWith.includes(session);
    })
    .reduce((total, { receivedBytes }) => total + receivedBytes, 0);
}

async function readAll(content: Content, digest: Digest): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content.read(digest, { startBytes: 0, endBytes: Number.POSITIVE_INFINITY }))
    chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}
