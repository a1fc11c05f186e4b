import { createHash, timingSafeEqual } from "node:crypto";
import type { HttpRequest } from "@azure/functions";
import { z } from "zod";
import { ImportError } from "../../errors.ts";
import { parseJson } from "../../json.ts";
import type { CallerClaims, ReadToken } from "./entra-tokens.ts";

export interface CallerDeps {
  readonly apiKeys: readonly string[];
  readonly isPlatformSignInOn: boolean;
  /** Undefined: no tokens are taken. */
  readonly readToken: ReadToken | undefined;
  readonly rights: { readonly allowedPrincipals: readonly string[]; readonly appRole: string | undefined };
  /** The service runs on a developer's machine, for nobody else: see {@link createReadCaller}. */
  readonly isEmbedded: boolean;
}

/** Who calls, as a text by which callers differ. Throws UNAUTHORIZED, CALLER_FORBIDDEN or SIGN_IN_UNAVAILABLE. */
export type ReadCaller = (request: HttpRequest) => Promise<string>;

/**
 * Checks the callers of routes that are anonymous for the host. A key of API_KEYS counts first, then what the platform's
 * own sign-in says, then a bearer token. On the embedded host everybody is welcome as long as none of these is set up:
 * it listens on loopback only, and a client there has a token that means nothing. Whoever sets one up wants it asked for.
 */
export function createReadCaller(deps: CallerDeps): ReadCaller {
  const { isPlatformSignInOn, readToken, rights, isEmbedded } = deps;
  const keyHashes = deps.apiKeys.map(hash);
  const isOpen = isEmbedded && !isPlatformSignInOn && readToken === undefined && keyHashes.length === 0;
  return async (request) => {
    if (isOpen) return "local";
    const key = request.headers.get("x-functions-key");
    if (key !== null) return readKey(key, keyHashes);
    const principal = isPlatformSignInOn ? request.headers.get("x-ms-client-principal") : null;
    if (principal !== null) return admit(readPrincipal(principal), rights, "platform");
    const token = bearerOf(request);
    if (readToken === undefined) throw unauthenticated("no sign-in is set up for this route", setUpHint);
    if (token === undefined) throw unauthenticated("the bearer token is missing", "send Authorization: Bearer …");
    return admit(await readToken(token), rights, "token");
  };
}

const setUpHint = "the operator can set API_KEYS or ARM_TENANT_ID";

function readKey(given: string, keyHashes: readonly Buffer[]): string {
  const candidate = hash(given);
  // Hashes have one length, and all are compared: the time tells neither how much of a key is right nor which one it is.
  const matching = keyHashes.filter((known) => timingSafeEqual(known, candidate));
  if (matching.length === 0) throw unauthenticated("the key in x-functions-key is none of API_KEYS");
  return `key ${candidate.toString("hex").slice(0, 16)}`;
}

function admit(claims: CallerClaims, { allowedPrincipals, appRole }: CallerDeps["rights"], by: "platform" | "token") {
  const ids = [claims.oid, claims.appId].filter((id) => id !== undefined).map((id) => id.toLowerCase());
  const isListed = ids.some((id) => allowedPrincipals.includes(id));
  const hasRole = appRole !== undefined && claims.roles.includes(appRole);
  const isLeftToPlatform = by === "platform" && allowedPrincipals.length === 0 && appRole === undefined;
  const [id] = ids;
  if (id === undefined) throw unauthenticated("the sign-in names no user and no app");
  if (isListed || hasRole || isLeftToPlatform) return id;
  throw new ImportError({
    code: "CALLER_FORBIDDEN",
    what: `${id} may not use this service`,
    hint: `the operator can add it to ARM_ALLOWED_PRINCIPALS${appRole === undefined ? "" : `, or give it the app role ${appRole}`}`,
  });
}

const principalSchema = z.object({
  auth_typ: z.literal("aad"),
  claims: z.array(z.object({ typ: z.string(), val: z.string() })),
});

/** The platform writes claims by their short names or by those of SOAP times, as the app's sign-in is set up. */
const claimNames = {
  oid: ["oid", "http://schemas.microsoft.com/identity/claims/objectidentifier"],
  appId: ["appid", "azp"],
  scope: ["scp", "http://schemas.microsoft.com/identity/claims/scope"],
  role: ["roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"],
} as const;

/** Source: App Service, "Work with user identities": base64 of JSON. */
function readPrincipal(header: string): CallerClaims {
  const parsed = principalSchema.safeParse(parseJson(Buffer.from(header, "base64").toString("utf8")));
  if (!parsed.success) throw unauthenticated("the platform's sign-in is not one of Microsoft Entra");
  const valuesOf = (names: readonly string[]) =>
    parsed.data.claims.filter(({ typ }) => names.includes(typ)).map(({ val }) => val);
  const [oid] = valuesOf(claimNames.oid);
  const [appId] = valuesOf(claimNames.scope).length > 0 ? [] : valuesOf(claimNames.appId);
  return { oid, appId, roles: valuesOf(claimNames.role) };
}

function bearerOf(request: HttpRequest): string | undefined {
  const [, token] = /^bearer +([^ ]+) *$/i.exec(request.headers.get("authorization") ?? "") ?? [];
  return token;
}

function unauthenticated(what: string, hint?: string): ImportError {
  return new ImportError({ code: "UNAUTHORIZED", what, ...(hint === undefined ? {} : { hint }) });
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
