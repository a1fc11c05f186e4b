import { randomUUID } from "node:crypto";
import { type Reply, type SeenRequest, startServer } from "./http-server.ts";

/**
 * The platform's own sign-in (App Service authentication, "Easy Auth") before a service. Source: App Service,
 * "Authentication and authorization" (what happens without a session, and its check against forged requests),
 * "Customize sign-ins and sign-outs" (/.auth/login, /.auth/logout, post_login_redirect_uri) and "Work with user
 * identities" (the headers that it adds and takes from nobody, /.auth/me). The provider lets everybody in at once.
 */
export interface PlatformSignIn extends AsyncDisposable {
  readonly origin: string;
  /** Values of the session cookie that were given out. */
  readonly sessions: readonly string[];
  /** What reached the service: path and query, and the user that the platform named. */
  readonly passed: readonly { readonly path: string; readonly user: string | undefined }[];
  /** Every session ends now, as by time. */
  readonly endSessions: () => void;
}

export interface PlatformSignInOptions {
  /** The service behind it. */
  readonly service: string;
  /** What a script without a session gets: browsers are redirected, clients that say to be a script are not. */
  readonly toScripts: "redirect" | "unauthorized";
}

const cookieName = "AppServiceAuthSession";
const user = "7f3c2f6e-5a0e-4d57-9a59-2f6f5f0c9b11";
const principal = Buffer.from(
  JSON.stringify({ auth_typ: "aad", claims: [{ typ: "oid", val: user }], name_typ: "name", role_typ: "roles" }),
).toString("base64");

export async function startPlatformSignIn({ service, toScripts }: PlatformSignInOptions): Promise<PlatformSignIn> {
  const open = new Set<string>();
  const sessions: string[] = [];
  const passed: { path: string; user: string | undefined }[] = [];

  const answerOwn = (url: URL, hasSession: boolean): Reply | undefined => {
    if (url.pathname === "/.auth/me") {
      if (!hasSession) return { status: 401 };
      return { status: 200, body: JSON.stringify([{ provider_name: "aad", user_id: user }]) };
    }
    if (url.pathname === "/.auth/login/aad") {
      const session = randomUUID();
      open.add(session);
      sessions.push(session);
      const location = url.searchParams.get("post_login_redirect_uri") ?? "/";
      const cookie = `${cookieName}=${session}; path=/; HttpOnly; SameSite=Lax`;
      return { status: 302, headers: { location, "set-cookie": cookie } };
    }
    return undefined;
  };

  const refuse = ({ headers }: SeenRequest, url: URL, host: string): Reply => {
    const isScript = headers["sec-fetch-dest"] === "empty";
    if (isScript && toScripts === "unauthorized")
      return { status: 401, headers: { "www-authenticate": `Bearer realm="${host}"` } };
    const back = encodeURIComponent(`${url.pathname}${url.search}`);
    return { status: 302, headers: { location: `/.auth/login/aad?post_login_redirect_uri=${back}` } };
  };

  const pass = async ({ method, url, headers, body }: SeenRequest): Promise<Reply> => {
    const sent = new Headers({ "x-ms-client-principal": principal, "x-ms-client-principal-id": user });
    sent.set("x-ms-client-principal-name", "somebody@example.org");
    sent.set("x-ms-client-principal-idp", "aad");
    for (const [name, value] of Object.entries(headers)) {
      const isOurs = name.startsWith("x-ms-client-principal") || name.startsWith("x-ms-token-");
      if (!isOurs && !hopHeaders.has(name) && value !== undefined) sent.set(name, String(value));
    }
    passed.push({ path: url, user: sent.get("x-ms-client-principal-id") ?? undefined });
    const response = await fetch(`${service}${url}`, {
      ...{ method, headers: sent, redirect: "manual" },
      ...(body.byteLength === 0 ? {} : { body: new Uint8Array(body) }),
    });
    const kept = [...response.headers].filter(([name]) => !hopHeaders.has(name));
    return {
      status: response.status,
      headers: Object.fromEntries(kept),
      body: new Uint8Array(await response.arrayBuffer()),
    };
  };

  const server = await startServer(async (request) => {
    const url = new URL(request.url, "http://platform");
    const session = new RegExp(`${cookieName}=([^;]+)`).exec(request.headers.cookie ?? "")?.[1];
    const hasSession = session !== undefined && open.has(session);
    const own = answerOwn(url, hasSession);
    if (own !== undefined) return own;
    if (!hasSession) return refuse(request, url, server.host);
    if (request.method === "POST" && isForeign(request, server.origin)) return { status: 403 };
    return await pass(request);
  });
  return {
    origin: server.origin,
    sessions,
    passed,
    endSessions: () => open.clear(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Of one connection, or no longer true of a body that was read as a whole. */
const hopHeaders: ReadonlySet<string> = new Set([
  ...["connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding"],
  ...["host", "accept-encoding", "cookie"],
]);

/** A browser's POST by cookie that does not say that it comes from this site. */
function isForeign({ headers }: SeenRequest, origin: string): boolean {
  const isBrowser = /^Mozilla\//.test(headers["user-agent"] ?? "");
  const from = headers.origin ?? headers.referer;
  return isBrowser && (from === undefined || from === "null" || new URL(from).origin !== origin);
}
