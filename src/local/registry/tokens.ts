import { createHmac, randomBytes, randomUUID, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { type Answer, type Call, jsonAnswer, refusal } from "./call.ts";

/** A right in one repository, or of the catalog. */
export interface Access {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

export interface TokenRequest {
  /** Undefined: anonymous. */
  readonly user: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly service: string | undefined;
  /** As they were asked for, e.g. `repository:team/app:pull,push`. */
  readonly scopes: readonly string[];
  readonly granted: readonly Access[];
  readonly status: number;
}

export interface BearerOptions {
  readonly kind: "bearer";
  /** Name → password. */
  readonly users: Readonly<Record<string, string>>;
  /** What those get who do not sign in: no token at all, a token for pulls, or all. Default `refused`. */
  readonly anonymous?: "refused" | "pull" | "all";
  /** Default 300. */
  readonly lifetimeSeconds?: number;
  /** Where the token service listens. Default `same-port`. */
  readonly endpoint?: "same-port" | "own-port";
  /** Default: everybody may do everything. */
  readonly mayAccess?: (user: string | undefined, name: string, action: string) => boolean;
  readonly now?: () => number;
  /** User of an Entra access token: the registry then signs in as an ACR does, at `/oauth2/exchange` and `/oauth2/token`. */
  readonly entra?: (accessToken: string) => string | undefined;
}

/** Issues and checks tokens as the Docker token specification has it, in GET and (OAuth2) POST form. */
export interface TokenService {
  readonly requests: readonly TokenRequest[];
  /** Path of the realm. */
  readonly path: string;
  readonly answer: (call: Call) => Promise<Answer>;
  /** What the token allows; undefined when it is not ours, or has expired. */
  readonly read: (token: string) => readonly Access[] | undefined;
  /** Makes all tokens so far invalid, refresh tokens apart. */
  readonly revokeAll: () => void;
  readonly revokeRefreshTokens: () => void;
}

type Identified =
  | { readonly user: string | undefined }
  | { readonly refusal: readonly [status: number, message: string] };

const accessSchema = z.object({ type: z.string(), name: z.string(), actions: z.array(z.string()) });
const payloadSchema = z.object({ exp: z.number(), access: z.array(accessSchema) });

export function createTokenService(options: BearerOptions): TokenService {
  const { users, anonymous = "refused", lifetimeSeconds = 300, now = Date.now, entra } = options;
  const signer = createSigner(now);
  const refreshTokens = new Map<string, string>();
  const requests: TokenRequest[] = [];

  const keepRefreshToken = (user: string): string => {
    const refreshToken = entra === undefined ? randomUUID() : signer.issue(user, [], refreshTokenSeconds);
    refreshTokens.set(refreshToken, user);
    return refreshToken;
  };

  const respond = (form: URLSearchParams, user: string | undefined, granted: readonly Access[]): Answer => {
    const token = signer.issue(user, granted, lifetimeSeconds);
    if (entra !== undefined) return jsonAnswer(200, { access_token: token });
    const wantsRefreshToken = form.get("offline_token") === "true" || form.get("access_type") === "offline";
    return jsonAnswer(200, {
      token,
      access_token: token,
      expires_in: lifetimeSeconds,
      issued_at: new Date(now()).toISOString(),
      ...(wantsRefreshToken && user !== undefined ? { refresh_token: keepRefreshToken(user) } : {}),
    });
  };

  /** Who a request to `/oauth2/exchange` or to the realm comes from, and what it is refused with. */
  const identify = (call: Call, form: URLSearchParams): Identified => {
    if (call.route.kind === "exchange") {
      const user = entra?.(form.get("access_token") ?? "");
      return user === undefined ? { refusal: [401, "the access token is not valid"] } : { user };
    }
    // ACR takes a password by GET only.
    if (entra !== undefined && form.get("grant_type") === "password")
      return { refusal: [400, "unsupported grant type"] };
    const who = whoAsks(call, form, users, refreshTokens);
    const isRefused = who.kind === "unknown" || (who.kind === "anonymous" && anonymous === "refused");
    if (isRefused) return { refusal: [401, "the user is not known or the password is wrong"] };
    return { user: who.kind === "user" ? who.name : undefined };
  };

  return {
    requests,
    path: entra === undefined ? "/token" : "/oauth2/token",
    answer: async (call) => {
      const form = call.method === "POST" ? new URLSearchParams(await readText(call)) : call.query;
      const scopes = form.getAll("scope").flatMap((scope) => scope.split(" "));
      const service = form.get("service") ?? undefined;
      const identified = identify(call, form);
      const asked = { method: call.method, path: call.path, service, scopes };
      if ("refusal" in identified) {
        const [status, message] = identified.refusal;
        requests.push({ ...asked, user: undefined, granted: [], status });
        return refusal(status, "UNAUTHORIZED", message);
      }
      const { user } = identified;
      const granted = scopes.flatMap((scope) => grant(options, user, scope));
      requests.push({ ...asked, user, granted, status: 200 });
      if (call.route.kind === "token") return respond(form, user, granted);
      return jsonAnswer(200, { refresh_token: keepRefreshToken(user ?? "") });
    },
    read: signer.read,
    revokeAll: signer.renewKey,
    revokeRefreshTokens: () => refreshTokens.clear(),
  };
}

const refreshTokenSeconds = 3 * 3_600; // as ACR's live

/** The actions of one scope that the user may have. */
function grant({ anonymous, mayAccess }: BearerOptions, user: string | undefined, scope: string): Access[] {
  const [, type, name, actions] = /^([a-z]+):(.+):([a-z*,]*)$/.exec(scope) ?? [];
  if (type === undefined || name === undefined || actions === undefined) return [];
  const allowed = actions.split(",").filter((action) => {
    const isOpen = user !== undefined || anonymous === "all" || (anonymous === "pull" && action === "pull");
    return isOpen && (mayAccess?.(user, name, action) ?? true);
  });
  return [{ type, name, actions: allowed }];
}

function createSigner(now: () => number) {
  let key = randomBytes(32);
  const sign = (text: string): Buffer => createHmac("sha256", key).update(text).digest();
  return {
    issue: (user: string | undefined, access: readonly Access[], lifetimeSeconds: number): string => {
      const issuedAt = Math.floor(now() / 1_000);
      const payload = { sub: user ?? "", iat: issuedAt, exp: issuedAt + lifetimeSeconds, jti: randomUUID(), access };
      const text = [{ typ: "JWT", alg: "HS256" }, payload].map(encode).join(".");
      return `${text}.${sign(text).toString("base64url")}`;
    },
    read: (token: string): readonly Access[] | undefined => {
      const [head = "", payload = "", signature = ""] = token.split(".");
      const expected = sign(`${head}.${payload}`);
      const actual = Buffer.from(signature, "base64url");
      if (actual.byteLength !== expected.byteLength || !timingSafeEqual(actual, expected)) return undefined;
      const { exp, access } = payloadSchema.parse(JSON.parse(Buffer.from(payload, "base64url").toString()));
      return now() < exp * 1_000 ? access : undefined;
    },
    renewKey: (): void => {
      key = randomBytes(32);
    },
  };
}

/** User and password of a Basic header. */
export function parseBasic(
  header: string | undefined,
): { readonly user: string; readonly password: string } | undefined {
  const encoded = /^basic (.+)$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString();
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

type Who =
  | { readonly kind: "user"; readonly name: string }
  | { readonly kind: "anonymous" }
  | { readonly kind: "unknown" };

function whoAsks(
  call: Call,
  form: URLSearchParams,
  users: Readonly<Record<string, string>>,
  refreshTokens: ReadonlyMap<string, string>,
): Who {
  const refreshToken = form.get("refresh_token");
  if (refreshToken !== null) {
    const name = refreshTokens.get(refreshToken);
    return name === undefined ? { kind: "unknown" } : { kind: "user", name };
  }
  const basic = parseBasic(call.headers.authorization);
  const user = basic?.user ?? (call.method === "POST" ? form.get("username") : null);
  if (user === null) return call.headers.authorization === undefined ? { kind: "anonymous" } : { kind: "unknown" };
  const isKnown = users[user] !== undefined && users[user] === (basic?.password ?? form.get("password"));
  return isKnown ? { kind: "user", name: user } : { kind: "unknown" };
}

async function readText(call: Call): Promise<string> {
  let text = "";
  for await (const chunk of call.content) text += Buffer.from(chunk).toString();
  return text;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
