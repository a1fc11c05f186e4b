import { type ErrorPlace, ImportError } from "../errors.ts";
import { codeOf } from "./errors-from-response.ts";
import { discard, headerOf } from "./response.ts";
import type { Transport, WireRequest, WireResponse } from "./transport.ts";

export const redirectStatuses: readonly number[] = [301, 302, 303, 307, 308];
const maxRedirects = 5;

/** What a storage host must be told to serve the right bytes. Nothing else goes to a host that was not asked for. */
const carriedHeaders: readonly string[] = ["accept", "accept-encoding", "if-range", "range", "user-agent"];

export interface RedirectOptions {
  readonly place: ErrorPlace;
  /** Which redirects are followed; one that is not is the answer. */
  readonly follow: "all" | "own";
  /**
   * Called before a redirect within the registry's own host, which counts as another request there. What a storage
   * host serves is none of the registry's: nobody counts that for an account.
   */
  readonly beforeOwn: () => Promise<void>;
  /** Is told of what was thrown by a request to another host: it says nothing of the registry. */
  readonly failedElsewhere: (thrown: unknown) => void;
}

/**
 * Sends a request and follows its redirects (GET and HEAD only: a body is sent where it was meant to go). The URLs
 * are signed by the storage behind a registry: they appear in no log and no error. Where they may lead, and whether
 * without TLS, the transport decides by the host: a registry with TLS may have storage without.
 */
export async function exchangeFollowing(
  { exchange }: Transport,
  request: WireRequest,
  { place, follow, beforeOwn, failedElsewhere }: RedirectOptions,
  signal: AbortSignal,
): Promise<WireResponse> {
  let { url, headers } = request;
  const mayFollow = request.method === "GET" || request.method === "HEAD";
  for (let redirects = 0; ; redirects += 1) {
    const isElsewhere = url.origin !== request.url.origin;
    const response = await exchange({ ...request, url, headers }, signal).catch((thrown: unknown) => {
      if (isElsewhere) failedElsewhere(thrown);
      throw thrown;
    });
    if (!mayFollow || !redirectStatuses.includes(response.status)) return response;
    const next = URL.parse(headerOf(response, "location") ?? "", url.href);
    if (follow === "own" && next?.hostname !== url.hostname) return response;
    await discard(response);
    if (next === null || redirects === maxRedirects) throw badRedirect(place, next === null ? "nowhere" : "in circles");
    if (next.origin !== url.origin) {
      // Once away it stays away: a host that sends back must not be able to have our headers sent along.
      headers = Object.fromEntries(Object.entries(headers).filter(([name]) => carriedHeaders.includes(name)));
    }
    if (next.hostname === request.url.hostname) await beforeOwn();
    url = next;
  }
}

function badRedirect(place: ErrorPlace, where: string): ImportError {
  return new ImportError({ ...place, code: codeOf(place, "UNAVAILABLE"), what: `it redirects ${where}` });
}
