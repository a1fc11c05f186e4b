import type { ProblemView } from "../../domain/problem-view.ts";
import { signInHeader } from "../../domain/sign-in-header.ts";

/** How a request to the service ended; none of it is thrown. */
export type Outcome<T> =
  | { readonly kind: "ok"; readonly value: T; readonly etag: string | undefined }
  | { readonly kind: "same" }
  /** An answer that is an error. */
  | Refusal
  /** The service or the platform before it wants to know who asks. */
  | { readonly kind: "sign-in"; readonly by: "key" | "platform" }
  | { readonly kind: "unreachable" };

export interface Refusal {
  readonly kind: "refused";
  readonly status: number;
  /** Absent where something else than the service answered. */
  readonly problem: ProblemView | undefined;
  readonly retryAfterSeconds: number | undefined;
}

/** What was asked for is not there, by the word of the service itself: a host that starts, or a proxy, has a 404 of its own. */
export function isMissing({ status, problem }: Refusal): boolean {
  return status === 404 && problem !== undefined && problem.code.endsWith("_NOT_FOUND");
}

/** The same request may be answered later, without anybody changing anything. */
export function isPassing({ status, problem }: Refusal): boolean {
  if (status < 400) return true; // something before the service spoke for it
  return status === 429 || status >= 500 || (status === 404 && problem === undefined);
}

/** What the service asks its callers for; `none`: it has answered one without anything. */
export type SignIn = "key" | "platform" | "none";

/** Where the function key is kept: for this tab, and no longer than it lives. */
export interface KeyStore {
  readonly read: () => string | null;
  readonly write: (key: string) => void;
}

export interface ApiDeps {
  readonly fetch: typeof fetch;
  readonly key: Pick<KeyStore, "read">;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** A request that changes something. */
export interface Change {
  readonly method: "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  /** Only as it was when it had this ETag; `missing`: only where it is not there yet. */
  readonly ifMatch?: string;
  readonly timeoutMs?: number;
  /** Ends waiting for the answer. */
  readonly signal?: AbortSignal;
}

export interface Api {
  /** The service's clock, as far as it is known: never ahead of it once it has answered. */
  readonly now: () => Date;
  /** As far as its answers tell. */
  readonly signIn: () => SignIn;
  readonly get: <T>(path: string, etag: string | undefined) => Promise<Outcome<T>>;
  readonly change: <T>(change: Change) => Promise<Outcome<T>>;
}

const answerMs = 20_000;

/** The service that this page came from. The key goes into a header, never into a URL. */
export function createApi({ fetch, key, clock }: ApiDeps): Api {
  let serviceAheadMs = 0;
  let isPlatform = false;
  async function send<T>(path: string, init: RequestInit, signal: AbortSignal): Promise<Outcome<T>> {
    const headers = new Headers(init.headers);
    const known = key.read();
    if (known !== null) headers.set("x-functions-key", known);
    try {
      // What the browser would answer from its own cache must come as the 304 that it is.
      const response = await fetch(path, { ...init, headers, signal, cache: "no-store", redirect: "manual" });
      isPlatform ||= response.headers.get(signInHeader) === "platform";
      const atService = Date.parse(response.headers.get("date") ?? "");
      if (!Number.isNaN(atService)) serviceAheadMs = atService - clock();
      return await readOutcome<T>(response);
    } catch {
      return { kind: "unreachable" }; // fetch says no more of it, and a body that breaks off is the same to us
    }
  }
  return {
    now: () => new Date(clock() + serviceAheadMs),
    signIn: () => (isPlatform ? "platform" : key.read() === null ? "none" : "key"),
    get: (path, etag) =>
      send(path, etag === undefined ? {} : { headers: { "if-none-match": etag } }, AbortSignal.timeout(answerMs)),
    change: ({ method, path, body, idempotencyKey, ifMatch, timeoutMs = answerMs, signal }) => {
      const headers = {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
        ...(ifMatch === undefined ? {} : ifMatch === "missing" ? { "if-none-match": "*" } : { "if-match": ifMatch }),
      };
      const limit = AbortSignal.timeout(timeoutMs);
      const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      return send(path, init, signal === undefined ? limit : AbortSignal.any([signal, limit]));
    },
  };
}

async function readOutcome<T>(response: Response): Promise<Outcome<T>> {
  if (response.type === "opaqueredirect") return { kind: "sign-in", by: "platform" }; // Easy Auth leads to its sign-in
  if (response.status === 304) return { kind: "same" };
  const isProblem = response.headers.get("content-type")?.startsWith("application/problem+json") ?? false;
  // Easy Auth says how one signs in where it does not redirect; the host does not say so of its keys.
  const challenge = response.headers.get("www-authenticate") ?? "";
  if (response.status === 401 && /^bearer\b/i.test(challenge)) return { kind: "sign-in", by: "platform" };
  if (response.status === 401) return { kind: "sign-in", by: "key" };
  if (!response.ok) {
    const problem: ProblemView | undefined = isProblem ? await response.json() : undefined;
    return { kind: "refused", status: response.status, problem, retryAfterSeconds: secondsOf(response) };
  }
  const type = response.headers.get("content-type") ?? "";
  // The service answers JSON alone: this is a page of something before it, a captive portal or a proxy.
  if (response.status !== 204 && !/^application\/(json|problem\+json)\b/.test(type))
    return { kind: "refused", status: response.status, problem: undefined, retryAfterSeconds: undefined };
  // One build makes the page and the service: the types are those that the service writes by.
  const value: T = response.status === 204 ? undefined : await response.json();
  return { kind: "ok", value, etag: response.headers.get("etag") ?? undefined };
}

function secondsOf(response: Response): number | undefined {
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds : undefined;
}
