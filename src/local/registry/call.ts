import type { IncomingHttpHeaders } from "node:http";
import { type Digest, parseDigest } from "../../digest.ts";

/** What a request asks for, read from its path. */
export type Route =
  | { readonly kind: "base" }
  | { readonly kind: "catalog" }
  | { readonly kind: "token" }
  | { readonly kind: "exchange" }
  | { readonly kind: "tags"; readonly repository: string }
  | { readonly kind: "manifest"; readonly repository: string; readonly reference: string }
  | { readonly kind: "blob"; readonly repository: string; readonly digest: Digest | undefined }
  | { readonly kind: "uploads"; readonly repository: string }
  | { readonly kind: "upload"; readonly repository: string; readonly session: string }
  | { readonly kind: "referrers"; readonly repository: string; readonly digest: Digest | undefined }
  | { readonly kind: "bad-name" }
  | { readonly kind: "none" };

/** One request, apart from node:http, so that handlers can be wrapped by others. */
export interface Call {
  readonly method: string;
  /** Decoded path, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly route: Route;
  /** The body; fails when the client goes away. It may be left unread. */
  readonly content: AsyncIterable<Uint8Array>;
  /** Counts up per connection of the server that took the call. */
  readonly connection: number;
  /** Aborted when the connection is gone or the answer has left. */
  readonly closed: AbortSignal;
}

/** What goes back: a status with headers and body, or a connection that is destroyed without an answer. */
export type Answer =
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      /** An iterable that throws destroys the connection in the middle of the body. */
      readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
    }
  | { readonly kind: "hang-up" };

export type Handle = (call: Call) => Promise<Answer>;

/** An answer without a body. */
export function answer(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return { kind: "answer", status, headers: { "content-length": "0", ...headers } };
}

export function jsonAnswer(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  const body = new TextEncoder().encode(JSON.stringify(value));
  return { kind: "answer", status, headers: { "content-type": "application/json", ...headers }, body };
}

/** An answer with an error body as OCI distribution-spec 1.1 ("Error Codes") has it. */
export function refusal(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return jsonAnswer(status, { errors: [{ code, message, detail: null }] }, headers);
}

/** Thrown deep inside a handler to end it with an error answer. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly answer: Answer;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(`${status} ${code}: ${message}`);
    this.answer = refusal(status, code, message, headers);
  }
}

const namePart = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const namePattern = new RegExp(`^${namePart}(?:/${namePart})*$`); // OCI distribution-spec 1.1, "Pulling manifests"

export function isRepositoryName(name: string): boolean {
  return name.length <= 255 && namePattern.test(name);
}

/** The route of a decoded path. */
export function parseRoute(path: string): Route {
  if (path === "/v2/" || path === "/v2") return { kind: "base" };
  if (path === "/v2/_catalog") return { kind: "catalog" };
  if (path === "/token" || path === "/oauth2/token") return { kind: "token" };
  if (path === "/oauth2/exchange") return { kind: "exchange" };
  const [, repository, rest] =
    /^\/v2\/(.+)\/(blobs\/uploads\/[^/]*|blobs\/[^/]+|manifests\/[^/]+|referrers\/[^/]+|tags\/list)$/.exec(path) ?? [];
  if (repository === undefined || rest === undefined) return { kind: "none" };
  if (!isRepositoryName(repository)) return { kind: "bad-name" };
  return parseRest(repository, rest);
}

function parseRest(repository: string, rest: string): Route {
  const last = rest.slice(rest.lastIndexOf("/") + 1);
  if (rest === "tags/list") return { kind: "tags", repository };
  if (rest === "blobs/uploads/") return { kind: "uploads", repository };
  if (rest.startsWith("blobs/uploads/")) return { kind: "upload", repository, session: last };
  if (rest.startsWith("blobs/")) return { kind: "blob", repository, digest: parseDigest(last) };
  if (rest.startsWith("referrers/")) return { kind: "referrers", repository, digest: parseDigest(last) };
  return { kind: "manifest", repository, reference: last };
}
