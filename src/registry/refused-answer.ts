import type { ImportError } from "../errors.ts";
import { errorFromResponse, maxErrorBytes } from "./errors-from-response.ts";
import type { Exchange } from "./exchange.ts";
import type { Answer } from "./exchange-signed-in.ts";
import { usedUpSeconds } from "./quota.ts";
import { discard, headerOf, wholeBodyMs } from "./response.ts";
import { parseRetryAfter } from "./retry.ts";
import { isFrom, type Sending } from "./sending.ts";
import { refusalHint } from "./sign-in-hint.ts";
import type { WireResponse } from "./transport.ts";

export interface RefusedAnswerDeps {
  readonly exchange: Exchange;
  readonly now: () => Date;
  /** Milliseconds of a clock that nobody sets back. */
  readonly elapsedMs: () => number;
  /** Takes the errors of hosts that registries have led to. */
  readonly elsewhere: WeakSet<ImportError>;
}

/** The error that a refused answer comes to, with the reason that its body tells; reads that body. */
export type ExplainRefusal = (answer: Answer, sending: Sending, signal: AbortSignal) => Promise<ImportError>;

export function createExplainRefusal({ exchange, now, elapsedMs, elsewhere }: RefusedAnswerDeps): ExplainRefusal {
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

  return async ({ response, isRetryable }, sending, signal) => {
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
}

/** Refusals that have several reasons: rights or a firewall, a signature or vulnerabilities. */
const telling: readonly number[] = [403, 412];

/** The GET of a manifest, where those are scarce: no reason is worth one. */
function wouldCountAsPull({ quotaClass, url }: Sending): boolean {
  return quotaClass === "pull" && /\/manifests\/[^/]+$/.test(url.pathname);
}

/** A web page. */
export function isPage(response: WireResponse): boolean {
  return /^text\/html\b/i.test(headerOf(response, "content-type") ?? "");
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
