import { ImportError } from "../errors.ts";
import type { Authorizer } from "./authorizer.ts";
import { errorFromResponse, maxErrorBytes } from "./errors-from-response.ts";
import { holdBody } from "./hold-body.ts";
import type { AccountLimits } from "./limits.ts";
import type { ObserveRequest } from "./observe-request.ts";
import { usedUpSeconds } from "./quota.ts";
import { exchangeFollowing } from "./redirects.ts";
import type { RegistryAccess, RegistryRequest, RegistryResponse, RequestBody } from "./registry.ts";
import type { RequestClass } from "./request-class.ts";
import { createResponse, discard, headerOf, parseLength, wholeBodyMs } from "./response.ts";
import { type createRetry, parseRetryAfter } from "./retry.ts";
import { refusalHint } from "./sign-in-hint.ts";
import type { Transport, WireResponse } from "./transport.ts";

export interface SenderDeps {
  readonly transport: Transport;
  readonly retry: ReturnType<typeof createRetry>;
  readonly userAgent: string;
  readonly headersTimeoutMs: number;
  readonly now: () => Date;
  /** Milliseconds of a clock that nobody sets back. */
  readonly elapsedMs: () => number;
  readonly observe: ObserveRequest;
}

/** A request as it goes to one host. */
export interface Sending extends Omit<RegistryRequest, "target" | "pullFrom"> {
  readonly access: RegistryAccess;
  readonly limits: AccountLimits;
  readonly requestClass: RequestClass;
  readonly isDownload?: boolean;
  /** Whose quota the host's answers tell, where it is not that of the request's own class. */
  readonly quotaClass?: RequestClass | undefined;
  /** Is shown the headers of every answer of the host itself. */
  readonly recognise?: (header: (name: string) => string | undefined) => void;
  readonly url: URL;
  /** What it is about, for errors: neither host nor query. */
  readonly subject: string;
  /** Absent: the request goes without Authorization, unless its headers have one. */
  readonly authorizer?: Authorizer;
  /** The request itself signs in, and this is what can be done when it is refused. */
  readonly signInHint?: string;
  /** When what it signs in with ends, where a request brought it. */
  readonly signInEndsAt?: Date | undefined;
}

/** Sends a request within the limits of its host, signed in, redirected and retried, or throws its ImportError. */
export type Send = (sending: Sending, signal: AbortSignal) => Promise<RegistryResponse>;

export function createSender(deps: SenderDeps): Send {
  const { transport, retry, userAgent, headersTimeoutMs, now, elapsedMs, observe } = deps;
  /** Errors of hosts that registries have led to. */
  const elsewhere = new WeakSet<ImportError>();

  const exchange = async (
    sending: Sending,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<WireResponse> => {
    const { access, limits, requestClass, method, url, body } = sending;
    const headers = {
      "user-agent": userAgent,
      "accept-encoding": "identity", // digests and ranges are those of the content as it is stored
      ...sending.headers,
      ...(authorization === undefined ? {} : { authorization }),
    };
    const request = {
      place: access,
      method,
      url,
      headers,
      body,
      headersTimeoutMs: sending.headersTimeoutMs ?? headersTimeoutMs,
    };
    const beforeOwn = () => limits.turn(requestClass, access, signal);
    const redirects = {
      ...{ place: access, follow: sending.redirects ?? "all", beforeOwn },
      failedElsewhere: (thrown: unknown) => thrown instanceof ImportError && elsewhere.add(thrown),
    };
    const response = await exchangeFollowing(transport, request, redirects, signal);
    if (isFrom(url, response)) sending.recognise?.((name) => headerOf(response, name));
    return response;
  };

  /** Learns how a host wants to be signed in at, where the request itself could not be sent a second time. */
  const introduce = async (sending: Sending, authorizer: Authorizer, signal: AbortSignal): Promise<void> => {
    const { access, limits, url } = sending;
    const ping = {
      ...{ access, limits },
      requestClass: "read",
      url: new URL("/v2/", url),
      method: "GET",
      subject: "",
      accept: [],
    } as const;
    await limits.turn(ping.requestClass, access, signal);
    const response = await exchange(ping, undefined, signal);
    await discard(response);
    if (response.status === 401) await authorizer.renew(challengeOf(response), undefined, signal);
    else authorizer.accepted();
  };

  /** The answer, after a second try with another token where the first one was refused. */
  const exchangeSignedIn = async (sending: Sending, signal: AbortSignal): Promise<Answer> => {
    const { access, limits, requestClass, authorizer, url, body } = sending;
    if (authorizer === undefined) return { response: await exchange(sending, undefined, signal), isRetryable: false };
    const isReplayable = mayReplay(body);
    if (!isReplayable && authorizer.isFirstContact()) await introduce(sending, authorizer, signal);
    const authorization = await authorizer.current(signal);
    const response = await exchange(sending, authorization, signal);
    // A host that we were redirected to has no say in how we sign in here.
    if (response.status !== 401 || !isFrom(url, response)) {
      if (response.status !== 401) authorizer.accepted();
      return { response, isRetryable: false };
    }
    try {
      const renewed = await authorizer.renew(challengeOf(response), authorization, signal);
      if (renewed === undefined || !isReplayable) return { response, isRetryable: renewed !== undefined };
      await discard(response);
      await limits.turn(requestClass, access, signal);
      return { response: await exchange(sending, renewed, signal), isRetryable: false };
    } catch (thrown) {
      await discard(response);
      throw thrown;
    }
  };

  /** A refused HEAD says no reason: the GET is told it. */
  const readReason = async ({ status }: WireResponse, sending: Sending, signal: AbortSignal): Promise<string> => {
    const { access, limits, requestClass, authorizer } = sending;
    const authorization = await authorizer?.current(signal);
    await limits.turn(requestClass, access, signal);
    const response = await exchange({ ...sending, method: "GET" }, authorization, signal);
    if (response.status === status) return await readErrorBody(response, elapsedMs);
    await discard(response);
    return "";
  };

  const refusal = async ({ response, isRetryable }: Answer, sending: Sending, signal: AbortSignal) => {
    const { access, method, subject, url } = sending;
    const isMute = method === "HEAD" && telling.includes(response.status) && !wouldCountAsPull(sending);
    const body = isMute ? await readReason(response, sending, signal) : await readErrorBody(response, elapsedMs);
    signal.throwIfAborted();
    const retryAfter = headerOf(response, "retry-after") ?? /retry-after:\s*([^\s,;"]+)/i.exec(body)?.[1];
    const error = errorFromResponse(access, {
      method,
      status: response.status,
      subject,
      body,
      retryAfterSeconds:
        parseRetryAfter(retryAfter, now()) ??
        (response.status === 429 ? usedUpSeconds((name) => headerOf(response, name)) : undefined),
      correlationId: headerOf(response, "x-ms-correlation-request-id"),
      isRetryable,
      storageHost: response.url.host === url.host ? undefined : response.url.host,
      isPage: isPage(response),
      signInHint: sending.signInHint,
      refusalHint: refusalHint(access, sending.authorizer?.scheme() ?? "none"),
      hasSignInEnded: (sending.signInEndsAt?.getTime() ?? Number.POSITIVE_INFINITY) <= now().getTime(),
    });
    if (!isFrom(url, response)) elsewhere.add(error);
    return error;
  };

  const attempt = async (sending: Sending, signal: AbortSignal): Promise<RegistryResponse> => {
    const { access, requestClass, method, url, body } = sending;
    const release = await acquireSlot(sending, signal);
    const { registry, side } = access;
    const ended = observe({ method, registry, host: url.host, side, requestClass, sentBytes: body?.lengthBytes });
    try {
      const answer = await exchangeSignedIn(sending, signal);
      const { response } = answer;
      if (!isAccepted(response, sending) || isOfNoRegistry(response, sending))
        throw await refusal(answer, sending, signal);
      heedQuota(response, sending);
      const receivedBytes = method === "GET" ? parseLength(headerOf(response, "content-length")) : undefined;
      const onClose = () => {
        release();
        ended({ status: response.status, receivedBytes });
      };
      return createResponse(response, { place: access, signal, elapsedMs, isOwn: isFrom(url, response), onClose });
    } catch (thrown) {
      release();
      ended(thrown instanceof ImportError ? { status: thrown.httpStatus, code: thrown.code } : { status: undefined });
      throw thrown;
    }
  };

  const attemptWhole = async (sending: Sending, signal: AbortSignal): Promise<RegistryResponse> => {
    const response = await attempt(sending, signal);
    const { wholeBytes } = sending;
    return wholeBytes === undefined || response.status !== 200 ? response : await holdBody(response, wholeBytes);
  };

  return (sending, signal) => {
    const { access, requestClass, limits, body, retry: wanted = "idempotent" } = sending;
    const mode = mayReplay(body) ? wanted : "once";
    const isElsewhere = (error: ImportError) => elsewhere.has(error);
    return retry({ mode, access, requestClass, limits, isElsewhere }, () => attemptWhole(sending, signal), signal);
  };
}

/** Waits for a slot, unless the caller holds one. Returns the function that releases it. */
async function acquireSlot(sending: Sending, signal: AbortSignal): Promise<() => void> {
  const { access, limits, requestClass, isDownload = false, slot } = sending;
  if (slot === undefined) return await limits.acquire(isDownload ? "download" : requestClass, access, signal);
  await slot.turn(signal);
  return () => undefined;
}

function isAccepted(response: WireResponse, { accept, url }: Sending): boolean {
  const { status } = response;
  if (typeof accept !== "function") return accept.includes(status);
  return accept({ status, header: (name) => headerOf(response, name), isOwn: isFrom(url, response) });
}

/**
 * A web page where a manifest or a list was expected. No other answer is judged by its type: blobs have any, what a write
 * answers has no body (Quay and Artifact Registry call that `text/html`: helm/helm#30987, oras-project/oras-py#144), and a
 * registry without the referrers API may answer its start page there. Quay's `true` at the API's root is none either.
 */
function isOfNoRegistry(response: WireResponse, { method, url, signInHint }: Sending): boolean {
  if (signInHint !== undefined || (method !== "GET" && method !== "HEAD") || !isFrom(url, response)) return false;
  const isRoot = url.pathname === "/v2/" && headerOf(response, "docker-distribution-api-version") === undefined;
  return (isRoot || isParsed.test(url.pathname)) && isPage(response);
}

const isParsed = /\/(?:manifests\/[^/]+|tags\/list|_catalog)$/;

/** Refusals that have several reasons: rights or a firewall, a signature or vulnerabilities. */
const telling: readonly number[] = [403, 412];

/** The GET of a manifest, where those are scarce: no reason is worth one. */
function wouldCountAsPull({ quotaClass, url }: Sending): boolean {
  return quotaClass === "pull" && /\/manifests\/[^/]+$/.test(url.pathname);
}

function isPage(response: WireResponse): boolean {
  return /^text\/html\b/i.test(headerOf(response, "content-type") ?? "");
}

/** The last request that a quota had room for: the next ones wait, rather than be refused. */
function heedQuota(response: WireResponse, { limits, requestClass, quotaClass, url }: Sending): void {
  const seconds = isFrom(url, response) ? usedUpSeconds((name) => headerOf(response, name)) : undefined;
  if (seconds !== undefined) limits.pause(quotaClass ?? requestClass, seconds * 1_000, "its quota is used up");
}

/** Whether the host itself has answered, and not another one that it redirected to. */
function isFrom({ origin }: URL, response: WireResponse): boolean {
  return response.url.origin === origin;
}

interface Answer {
  readonly response: WireResponse;
  /** A 401 that the same request would not meet a second time; only its body could not be sent again. */
  readonly isRetryable: boolean;
}

/** A stream that was begun cannot be sent again. */
function mayReplay(body: RequestBody | undefined): boolean {
  return body === undefined || body.content instanceof Uint8Array;
}

function challengeOf(response: WireResponse): string {
  return headerOf(response, "www-authenticate") ?? "";
}

/** The first 64 KiB, and what there is of them when the connection breaks or takes its time. */
async function readErrorBody({ body }: WireResponse, elapsedMs: () => number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let lengthBytes = 0;
  const endMs = elapsedMs() + wholeBodyMs;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      lengthBytes += chunk.byteLength;
      if (lengthBytes >= maxErrorBytes || elapsedMs() > endMs) break;
    }
  } catch {
    // The status has been answered: an error with fewer words is better than another error.
  }
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, maxErrorBytes));
}
