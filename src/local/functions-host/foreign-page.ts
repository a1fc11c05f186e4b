import type { IncomingMessage } from "node:http";

/** A request that a page elsewhere makes by the browser of whoever works at this machine. */
export interface ForeignRefusal {
  readonly status: 403 | 421;
  readonly body: string;
}

/**
 * Why a request is none of this machine's own; undefined: it is. Nothing asks for a key here, so that the browser must
 * not become the door: a name elsewhere that is made to lead to 127.0.0.1 (DNS rebinding) shows in `Host`, and a page of
 * another site or port in `Sec-Fetch-Site` (W3C, Fetch Metadata Request Headers). Clients that are no browsers say
 * nothing there.
 */
export function refuseForeign({ method = "GET", headers }: Pick<IncomingMessage, "method" | "headers">) {
  if (!isLoopback(headers.host)) return misdirected;
  // No page can send this header to another site unasked; where it is, the service itself judges who may change what.
  if (headers["x-ms-client-principal-id"] !== undefined) return undefined;
  const isWrite = !["GET", "HEAD", "OPTIONS"].includes(method);
  return isWrite && !ownSites.has(String(headers["sec-fetch-site"] ?? "none")) ? foreign : undefined;
}

const misdirected: ForeignRefusal = {
  status: 421,
  body: "this host answers this machine only: reach it by localhost or 127.0.0.1\n",
};
const foreign: ForeignRefusal = { status: 403, body: "a page of another site may change nothing here\n" };
const ownSites: ReadonlySet<string> = new Set(["same-origin", "none"]);

function isLoopback(host: string | undefined): boolean {
  if (host === undefined || host === "") return true; // no browser leaves it out
  const name = host.replace(/:\d+$/, "").toLowerCase();
  return name === "localhost" || name.endsWith(".localhost") || name === "[::1]" || /^127(\.\d{1,3}){3}$/.test(name);
}
