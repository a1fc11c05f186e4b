import { ImportError } from "../errors.ts";
import { createExchange } from "./exchange.ts";
import { createExchangeSignedIn } from "./exchange-signed-in.ts";
import { holdBody } from "./hold-body.ts";
import type { ObserveRequest } from "./observe-request.ts";
import { usedUpSeconds } from "./quota.ts";
import { createExplainRefusal, isPage } from "./refused-answer.ts";
import type { RegistryResponse } from "./registry.ts";
import { createResponse, headerOf, parseLength } from "./response.ts";
import type { createRetry } from "./retry.ts";
import { isFrom, mayReplay, type Sending } from "./sending.ts";
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

/** Sends a request within the limits of its host, signed in, redirected and retried, or throws its ImportError. */
export type Send = (sending: Sending, signal: AbortSignal) => Promise<RegistryResponse>;

export function createSender(deps: SenderDeps): Send {
  const { retry, elapsedMs, observe } = deps;
  const elsewhere = new WeakSet<ImportError>();
  const exchange = createExchange({ ...deps, elsewhere });
  const exchangeSignedIn = createExchangeSignedIn(exchange);
  const explainRefusal = createExplainRefusal({ ...deps, exchange, elsewhere });

  const attempt = async (sending: Sending, signal: AbortSignal): Promise<RegistryResponse> => {
    const { access, requestClass, method, url, body } = sending;
    const release = await acquireSlot(sending, signal);
    const { registry, side } = access;
    const ended = observe({ method, registry, host: url.host, side, requestClass, sentBytes: body?.lengthBytes });
    try {
      const answer = await exchangeSignedIn(sending, signal);
      const { response } = answer;
      if (!isAccepted(response, sending) || isOfNoRegistry(response, sending))
        throw await explainRefusal(answer, sending, signal);
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
    if (wholeBytes === undefined || response.status !== 200) return response;
    return await holdBody(response, wholeBytes).catch((thrown: unknown) => {
      if (!response.isOwn && thrown instanceof ImportError) elsewhere.add(thrown);
      throw thrown;
    });
  };

  return (sending, signal) => {
    const { access, requestClass, limits, body, retry: wanted = "idempotent", isBackground = false } = sending;
    const mode = mayReplay(body) ? wanted : "once";
    const isElsewhere = (error: ImportError) => elsewhere.has(error);
    const options = { mode, access, requestClass, limits, isBackground, isElsewhere };
    return retry(options, () => attemptWhole(sending, signal), signal);
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
 * A web page where a manifest or a list was expected, or in answer to a manifest. No other answer is judged by its type:
 * blobs have any, uploads are known by their Location, and a registry without the referrers API may answer its start page
 * there. Quay's `true` at the API's root is none either.
 */
function isOfNoRegistry(response: WireResponse, { method, url, signInHint }: Sending): boolean {
  if (signInHint !== undefined || !isFrom(url, response) || !isPage(response)) return false;
  if (method === "PUT") return response.status < 300 && isManifest.test(url.pathname) && !isOfStored(response);
  if (method !== "GET" && method !== "HEAD") return false;
  const isRoot = url.pathname === "/v2/" && headerOf(response, "docker-distribution-api-version") === undefined;
  return isRoot || isParsed.test(url.pathname);
}

const isManifest = /\/manifests\/[^/]+$/;
const isParsed = /\/(?:manifests\/[^/]+|tags\/list|_catalog)$/;

/** Quay calls its `OK`, and Artifact Registry its empty body, `text/html`: helm/helm#30987, oras-project/oras-py#144. */
function isOfStored(response: WireResponse): boolean {
  const isEmpty = parseLength(headerOf(response, "content-length")) === 0;
  return isEmpty || headerOf(response, "docker-content-digest") !== undefined;
}

/** The last request that a quota had room for: the next ones wait, rather than be refused. */
function heedQuota(response: WireResponse, { limits, requestClass, quotaClass, url }: Sending): void {
  const seconds = isFrom(url, response) ? usedUpSeconds((name) => headerOf(response, name)) : undefined;
  if (seconds !== undefined) limits.pause(quotaClass ?? requestClass, seconds * 1_000, "its quota is used up");
}
