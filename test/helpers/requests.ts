import { type Digest, parseDigest } from "../../src/digest.ts";
import type { Answer, Call, Handle } from "../../src/local/registry/call.ts";

/** What a request is, as tests and faults tell requests apart. */
export type RequestKind =
  | "base"
  | "token"
  | "catalog"
  | "tags"
  | "referrers"
  | "manifest-get"
  | "manifest-head"
  | "manifest-put"
  | "manifest-delete"
  | "blob-get"
  | "blob-head"
  | "blob-delete"
  | "mount"
  | "upload-start"
  | "upload-status"
  | "upload-patch"
  | "upload-put"
  | "upload-cancel"
  | "storage-get"
  | "other";

/** One request that a test registry saw. It grows while the request runs. */
export interface RequestRecord {
  /** Counts from 1 in the order of arrival. */
  readonly number: number;
  readonly kind: RequestKind;
  readonly method: string;
  readonly path: string;
  readonly queryKeys: readonly string[];
  readonly repository: string | undefined;
  /** Of the blob, of `?digest=`, of `?mount=`, or of a manifest asked for by digest. */
  readonly digest: Digest | undefined;
  /** Tag or digest of a manifest request. */
  readonly reference: string | undefined;
  /** Id of the upload session. */
  readonly session: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Counts connections: requests with the same number came over the same one. */
  readonly connection: number;
  readonly startedAt: Date;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Undefined until there is an answer, and when the connection was destroyed without one. */
  readonly status: number | undefined;
  /** The connection is gone or the answer has left. */
  readonly isOver: boolean;
}

/** Which requests: a predicate, or properties that must be equal. */
export type RequestMatch =
  | ((request: RequestRecord) => boolean)
  | Partial<
      Pick<RequestRecord, "kind" | "method" | "repository" | "digest" | "reference" | "session" | "status" | "isOver">
    >;

export function matches(match: RequestMatch, request: RequestRecord): boolean {
  if (typeof match === "function") return match(request);
  const { kind, method, repository, digest, reference, session, status, isOver } = match;
  const pairs = [
    [kind, request.kind],
    [method, request.method],
    [repository, request.repository],
    [digest, request.digest],
    [reference, request.reference],
    [session, request.session],
    [status, request.status],
    [isOver, request.isOver],
  ];
  return pairs.every(([wanted, actual]) => wanted === undefined || wanted === actual);
}

export interface RequestLog {
  readonly requests: readonly RequestRecord[];
  readonly wrap: (next: Handle) => Handle;
  /** The first request, past or to come, that matches; rejects when none does within `deadlineMs`. */
  readonly wait: (match: RequestMatch, deadlineMs: number) => Promise<RequestRecord>;
}

type Growing = { -readonly [K in keyof RequestRecord]: RequestRecord[K] };

/** Writes down every call that goes through `wrap`. */
export function createRequestLog(): RequestLog {
  const requests: Growing[] = [];
  const watchers = new Set<(request: RequestRecord) => void>();
  const changed = (request: RequestRecord): void => {
    for (const watcher of watchers) watcher(request);
  };

  const wrap =
    (next: Handle): Handle =>
    async (call) => {
      const record = startRecord(call, requests.length + 1);
      requests.push(record);
      changed(record);
      call.closed.addEventListener("abort", () => {
        record.isOver = true;
        changed(record);
      });
      const onReceived = (bytes: number): void => {
        record.receivedBytes += bytes;
        changed(record);
      };
      const onSent = (bytes: number): void => {
        record.sentBytes += bytes;
        changed(record);
      };
      const result = await next({ ...call, content: counted(call.content, onReceived) });
      if (result.kind === "hang-up") return result;
      record.status = result.status;
      changed(record);
      return call.method === "HEAD" ? result : countSent(result, onSent);
    };

  const wait = (match: RequestMatch, deadlineMs: number): Promise<RequestRecord> => {
    const past = requests.find((request) => matches(match, request));
    if (past !== undefined) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const watcher = (request: RequestRecord): void => {
        if (!matches(match, request)) return;
        watchers.delete(watcher);
        clearTimeout(timer);
        resolve(request);
      };
      const timer = setTimeout(() => {
        watchers.delete(watcher);
        const seen = requests.map(({ kind, status }) => `${kind} ${status ?? "-"}`).join(", ");
        const wanted = typeof match === "function" ? match.toString() : JSON.stringify(match);
        reject(new Error(`no request matched ${wanted} within ${deadlineMs} ms; seen: ${seen}`));
      }, deadlineMs);
      watchers.add(watcher);
    });
  };

  return { requests, wrap, wait };
}

function startRecord(call: Call, number: number): Growing {
  const { route, query } = call;
  return {
    number,
    kind: kindOf(call),
    method: call.method,
    path: call.path,
    queryKeys: [...new Set(query.keys())],
    repository: "repository" in route ? route.repository : undefined,
    digest: digestOfCall(call),
    reference: route.kind === "manifest" ? route.reference : undefined,
    session: route.kind === "upload" ? route.session : undefined,
    headers: Object.fromEntries(
      Object.entries(call.headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
    ),
    connection: call.connection,
    startedAt: new Date(),
    receivedBytes: 0,
    sentBytes: 0,
    status: undefined,
    isOver: false,
  };
}

/** The digest a call is about, wherever it stands. */
export function digestOfCall({ route, query, path }: Call): Digest | undefined {
  if (route.kind === "blob" || route.kind === "referrers") return route.digest;
  if (route.kind === "manifest") return parseDigest(route.reference);
  return parseDigest(query.get("digest") ?? query.get("mount") ?? path.slice(path.lastIndexOf("/") + 1));
}

export function kindOf({ method, path, route, query }: Call): RequestKind {
  switch (route.kind) {
    case "base":
    case "token":
    case "catalog":
    case "tags":
    case "referrers":
      return route.kind;
    case "manifest":
      return oneOf(method, {
        GET: "manifest-get",
        HEAD: "manifest-head",
        PUT: "manifest-put",
        DELETE: "manifest-delete",
      });
    case "blob":
      return oneOf(method, { GET: "blob-get", HEAD: "blob-head", DELETE: "blob-delete" });
    case "uploads":
      return query.has("mount") ? "mount" : "upload-start";
    case "upload":
      return oneOf(method, {
        GET: "upload-status",
        PATCH: "upload-patch",
        PUT: "upload-put",
        DELETE: "upload-cancel",
      });
    default:
      return path.startsWith("/storage/") ? "storage-get" : "other";
  }
}

function oneOf(method: string, kinds: Readonly<Record<string, RequestKind>>): RequestKind {
  return kinds[method] ?? "other";
}

async function* counted(content: AsyncIterable<Uint8Array>, on: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    on(chunk.byteLength);
    yield chunk;
  }
}

function countSent(result: Answer & { readonly kind: "answer" }, on: (bytes: number) => void): Answer {
  if (result.body === undefined) return result;
  if (result.body instanceof Uint8Array) {
    on(result.body.byteLength);
    return result;
  }
  return { ...result, body: counted(result.body, on) };
}
