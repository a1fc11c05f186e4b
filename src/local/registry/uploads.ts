import { createHash, type Hash, randomUUID } from "node:crypto";
import { type Digest, parseDigest } from "../../digest.ts";
import type { RegistryBehaviour } from "./behaviour.ts";
import { type Answer, answer, type Call, Refusal } from "./call.ts";
import type { Catalog } from "./catalog.ts";
import type { Content, UploadFile } from "./content.ts";

export interface UploadsDeps {
  readonly catalog: Catalog;
  readonly content: Content;
  readonly behaviour: RegistryBehaviour;
  /** Scheme, host and port for absolute URLs. */
  readonly origin: () => string;
}

/** An open upload, as its registry sees it. */
export interface OpenSession {
  readonly id: string;
  readonly repository: string;
  readonly sizeBytes: number;
}

interface Session {
  readonly id: string;
  readonly repository: string;
  readonly file: UploadFile;
  /** Undefined: the bytes come from a former process or need another algorithm, they are read again at the end. */
  hash: Hash | undefined;
  readonly algorithm: Algorithm;
  /** Ends when the requests so far have: a session is strictly sequential. */
  tail: Promise<unknown>;
}

type Algorithm = "sha256" | "sha512";

/** Blob uploads: OCI distribution-spec 1.1, "Pushing blobs". */
export function createUploads(deps: UploadsDeps) {
  const { catalog, content, behaviour } = deps;
  const live = new Map<string, Session>();

  const start = async (repository: string, algorithm: Algorithm): Promise<Session> => {
    const id = randomUUID();
    const session = {
      id,
      repository,
      file: await content.openUpload(id),
      hash: createHash(algorithm),
      algorithm,
      tail: Promise.resolve(),
    };
    live.set(id, session);
    await catalog.change({ kind: "session", repository, id });
    return session;
  };

  const find = async (repository: string, id: string): Promise<Session> => {
    const unknown = new Refusal(404, "BLOB_UPLOAD_UNKNOWN", "the upload is not known to the registry");
    if (catalog.sessions.get(id) !== repository) throw unknown;
    const found = live.get(id);
    if (found !== undefined) return found;
    const file = await content.openUpload(id); // from a former process
    const session: Session = { id, repository, file, hash: undefined, algorithm: "sha256", tail: Promise.resolve() };
    live.set(id, session);
    return session;
  };

  const end = async (session: Session): Promise<void> => {
    live.delete(session.id);
    await catalog.change({ kind: "session-gone", id: session.id });
  };

  const commit = async (session: Session, digest: Digest): Promise<Answer> => {
    const actual = await digestOfUpload(session, digest);
    await end(session);
    if (actual !== digest) {
      await session.file.discard();
      throw new Refusal(400, "DIGEST_INVALID", `the content is ${actual}, not ${digest}`);
    }
    await session.file.commit(digest);
    const { repository } = session;
    await catalog.change({ kind: "blob", repository, digest });
    return created(deps, repository, digest);
  };

  const post = async (call: Call, repository: string): Promise<Answer> => {
    const mount = parseDigest(call.query.get("mount") ?? "");
    const from = catalog.repositories.get(call.query.get("from") ?? "");
    if (mount !== undefined && from?.blobs.has(mount)) {
      await catalog.change({ kind: "blob", repository, digest: mount });
      return created(deps, repository, mount);
    }
    const wanted = call.query.get("digest");
    if (wanted === null || behaviour.wholePost === "ignored") {
      const session = await start(repository, algorithmOf(call.query.get("digest-algorithm")));
      return progress(deps, session, 202);
    }
    const digest = digestAsked(call);
    const session = await start(repository, algorithmOf(digest));
    await append(session, call);
    return await commit(session, digest);
  };

  const cancel = async (session: Session): Promise<Answer> => {
    await end(session);
    await session.file.discard();
    return answer(204);
  };

  const patch = async (call: Call, session: Session): Promise<Answer> => {
    checkContentRange(deps, session, call);
    try {
      await append(session, call);
    } catch (thrown) {
      if (behaviour.interrupted === "forgotten") await cancel(session);
      throw thrown;
    }
    return progress(deps, session, 202);
  };

  const put = async (call: Call, session: Session): Promise<Answer> => {
    const digest = digestAsked(call);
    checkContentRange(deps, session, call);
    await append(session, call);
    return await commit(session, digest);
  };

  const onSession = async (call: Call, session: Session): Promise<Answer> => {
    if (!catalog.sessions.has(session.id))
      throw new Refusal(404, "BLOB_UPLOAD_UNKNOWN", "the upload has ended meanwhile");
    checkState(behaviour, session, call);
    switch (call.method) {
      case "GET":
        return progress(deps, session, 204);
      case "PATCH":
        return await patch(call, session);
      case "PUT":
        return await put(call, session);
      case "DELETE":
        return await cancel(session);
      default:
        throw new Refusal(405, "UNSUPPORTED", "not supported");
    }
  };

  return {
    /** `POST …/blobs/uploads/`: mounts, takes a whole blob, or opens a session. */
    start: async (call: Call, repository: string): Promise<Answer> => {
      if (call.method !== "POST") throw new Refusal(405, "UNSUPPORTED", "not supported");
      return await post(call, repository);
    },
    /** GET, PATCH, PUT and DELETE of a session. */
    go: async (call: Call, repository: string, id: string): Promise<Answer> => {
      const session = await find(repository, id);
      const turn = session.tail.then(() => onSession(call, session));
      session.tail = turn.catch(() => undefined);
      return await turn;
    },
    openSessions: (): OpenSession[] =>
      [...catalog.sessions].map(([id, repository]) => ({
        id,
        repository,
        sizeBytes: live.get(id)?.file.sizeBytes() ?? 0,
      })),
  };
}

/** Keeps what has arrived even if the client goes away in the middle, as distribution does. */
async function append(session: Session, call: Call): Promise<void> {
  try {
    for await (const chunk of call.content) {
      const written = session.file.append(chunk);
      session.hash?.update(chunk); // while the write is under way
      await written;
    }
  } finally {
    await session.file.flush();
  }
}

async function digestOfUpload(session: Session, want: Digest): Promise<string> {
  const algorithm = algorithmOf(want);
  if (session.hash !== undefined && session.algorithm === algorithm)
    return `${algorithm}:${session.hash.digest("hex")}`;
  const hash = createHash(algorithm);
  for await (const chunk of session.file.read()) hash.update(chunk);
  return `${algorithm}:${hash.digest("hex")}`;
}

function digestAsked(call: Call): Digest {
  const digest = parseDigest(call.query.get("digest") ?? "");
  if (digest === undefined) throw new Refusal(400, "DIGEST_INVALID", "digest is missing or not valid");
  return digest;
}

function algorithmOf(text: string | null): Algorithm {
  return text?.startsWith("sha512") ? "sha512" : "sha256";
}

/** A stateful Location tells the offset it was made at. */
function checkState({ sessions }: RegistryBehaviour, session: Session, call: Call): void {
  if (sessions === "stateless") return;
  if (call.query.get("_state") !== stateOf(session))
    throw new Refusal(404, "BLOB_UPLOAD_INVALID", "the upload has moved on from that location");
}

function stateOf({ id, file }: Session): string {
  return Buffer.from(JSON.stringify({ id, offset: file.sizeBytes() })).toString("base64url");
}

function checkContentRange(deps: UploadsDeps, session: Session, call: Call): void {
  const header = call.headers["content-range"];
  if (header === undefined || deps.behaviour.contentRange === "ignored") return;
  const [, first, last] = /^(?:bytes[ =])?(\d+)-(\d+)(?:\/.*)?$/.exec(header) ?? [];
  const length = call.headers["content-length"];
  const fits = Number(first) === session.file.sizeBytes();
  const isWhole = length === undefined || Number(last) - Number(first) + 1 === Number(length);
  if (!fits || !isWhole) {
    const headers = locationHeaders(deps, session);
    throw new Refusal(416, "BLOB_UPLOAD_INVALID", "the chunk does not follow the last one", headers);
  }
}

function progress(deps: UploadsDeps, session: Session, status: number): Answer {
  return answer(status, locationHeaders(deps, session));
}

function locationHeaders({ behaviour, origin }: UploadsDeps, session: Session): Record<string, string> {
  const { id, repository, file } = session;
  const state = behaviour.sessions === "stateful" ? `?_state=${stateOf(session)}` : "";
  const path = `/v2/${repository}/blobs/uploads/${id}${state}`;
  return {
    location: behaviour.urls === "absolute" ? `${origin()}${path}` : path,
    range: `0-${Math.max(0, file.sizeBytes() - 1)}`, // distribution too says 0-0 for nothing and for one byte
    "docker-upload-uuid": id,
  };
}

function created({ behaviour, origin }: UploadsDeps, repository: string, digest: Digest): Answer {
  const path = `/v2/${repository}/blobs/${digest}`;
  return answer(201, {
    location: behaviour.urls === "absolute" ? `${origin()}${path}` : path,
    "docker-content-digest": digest,
  });
}
