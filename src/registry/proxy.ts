import * as http from "node:http";
import * as https from "node:https";
import type { Socket } from "node:net";
import { isInBlock } from "../ip-address.ts";
import { ConnectFailure } from "./connect-failure.ts";

/** The proxies of HTTPS_PROXY and HTTP_PROXY, and who is reached without them. URLs may hold user and password. */
export interface ProxySettings {
  /** For https URLs. */
  readonly httpsProxy: string | undefined;
  /** For http URLs. */
  readonly httpProxy: string | undefined;
  /** Host names (those below them too), `.suffix`, addresses, blocks like `10.0.0.0/8`, each with a port or not; `*`. */
  readonly noProxy: readonly string[];
}

/** The proxy that a URL is reached through, if any. This machine itself is never reached through one. */
export function proxyFor(url: URL, { httpsProxy, httpProxy, noProxy }: ProxySettings): URL | undefined {
  const proxy = url.protocol === "https:" ? httpsProxy : httpProxy;
  if (proxy === undefined) return undefined;
  const name = url.hostname.replace(/^\[(.+)\]$/, "$1").replace(/\.$/, "");
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  const isHere = name === "localhost" || name.endsWith(".localhost") || here.some((block) => isInBlock(name, block));
  return isHere || noProxy.some((entry) => bypasses(entry, name, port)) ? undefined : new URL(proxy);
}

const here: readonly string[] = ["127.0.0.0/8", "::1"];

function bypasses(entry: string, name: string, port: string): boolean {
  const text = entry.toLowerCase();
  if (text === "*") return true;
  // [::1], [::1]:443, host:443; an address of IPv6 without brackets has no port
  const [, bracketed, plain, itsPort] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
  const itsName = bracketed ?? plain ?? text;
  if (itsPort !== undefined && itsPort !== port) return false;
  if (isInBlock(name, itsName)) return true;
  const suffix = itsName.replace(/^\*?\./, "");
  return suffix !== "" && (name.endsWith(`.${suffix}`) || (suffix === itsName && name === suffix));
}

/** Opens a tunnel (CONNECT) to a URL's host. The name is the proxy's to look up. */
export async function openTunnel(proxy: URL, url: URL, timeoutMs: number): Promise<Socket> {
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  const authority = `${url.hostname}:${port}`;
  const options: https.RequestOptions = {
    method: "CONNECT",
    host: proxy.hostname.replace(/^\[(.+)\]$/, "$1"),
    port: proxy.port === "" ? (proxy.protocol === "https:" ? 443 : 80) : Number(proxy.port),
    path: authority,
    headers: { host: authority, ...authorizationOf(proxy) },
    agent: false, // the connection becomes the tunnel's
    rejectUnauthorized: true,
  };
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const request = proxy.protocol === "https:" ? https.request(options) : http.request(options);
  const timer = setTimeout(() => {
    reject(failure({ what: "no tunnel within the time allowed", retryable: true }, proxy));
    request.destroy();
  }, timeoutMs);
  request
    .on("connect", ({ statusCode }, socket, head) => {
      if (statusCode === undefined || statusCode < 200 || statusCode > 299) {
        socket.on("error", () => undefined).destroy();
        return reject(failure(refusedBy(statusCode), proxy));
      }
      if (head.byteLength > 0) socket.unshift(head);
      resolve(socket);
    })
    .on("response", (response) => {
      response.destroy();
      reject(failure(refusedBy(response.statusCode), proxy));
    })
    .on("error", (cause) => {
      const code = "code" in cause && typeof cause.code === "string" ? `: ${cause.code}` : "";
      reject(failure({ what: `the proxy cannot be reached${code}`, retryable: true, cause }, proxy));
    })
    .end();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

function refusedBy(status: number | undefined): { readonly what: string; readonly retryable: boolean } {
  if (status === 407) return { what: "the proxy wants another user or password (407)", retryable: false };
  const retryable = status === undefined || status === 429 || status >= 500;
  return { what: `the proxy opens no tunnel (${status ?? "no status"})`, retryable };
}

function failure(
  init: { readonly what: string; readonly retryable: boolean; readonly cause?: unknown },
  proxy: URL,
): ConnectFailure {
  const hint = `the proxy is ${proxy.host}, from HTTPS_PROXY or HTTP_PROXY; NO_PROXY names hosts to reach without it`;
  return new ConnectFailure({ ...init, hint });
}

function authorizationOf({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === "" && password === "") return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(pair, "utf8").toString("base64")}` };
}
