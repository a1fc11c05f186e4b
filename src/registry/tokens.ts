import { createHash } from "node:crypto";
import { z } from "zod";
import { ImportError } from "../errors.ts";
import { codeOf } from "./errors-from-response.ts";
import type { Credentials, RegistryAccess } from "./registry.ts";
import { createSingleFlight } from "./single-flight.ts";

/** A token that is wanted: where, for whom and for what. */
export interface TokenQuery {
  readonly realm: string;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
}

export interface TokenDeps {
  readonly now: () => Date;
  /** GETs `url`, with that Authorization if there is one, and returns the body of the 200. */
  readonly fetch: (
    access: RegistryAccess,
    request: { readonly url: URL; readonly authorization: string | undefined },
    signal: AbortSignal,
  ) => Promise<string>;
}

/** Access tokens of all registries, kept until shortly before they expire. Other ways to sign in go behind this. */
export interface Tokens {
  readonly get: (access: RegistryAccess, query: TokenQuery, signal: AbortSignal) => Promise<string>;
  /** Drops a token that a registry no longer takes, unless another one has taken its place meanwhile. */
  readonly forget: (token: string) => void;
}

interface CachedToken {
  readonly token: string;
  readonly renewAtMs: number;
}

export function createTokens({ now, fetch }: TokenDeps): Tokens {
  const cache = new Map<string, CachedToken>();
  const singleFlight = createSingleFlight<string>();

  const fetchToken = async (
    key: string,
    access: RegistryAccess,
    query: TokenQuery,
    signal: AbortSignal,
  ): Promise<string> => {
    const authorization = basicAuthorization(access.credentials);
    const askedAt = now(); // a lifetime counts from here at the latest: the answer may have been long on its way
    const answer = parseToken(await fetch(access, { url: tokenUrl(access, query), authorization }, signal));
    if (answer === undefined) {
      const what = `the token service ${new URL(query.realm).host} answered without a token`;
      throw new ImportError({ ...access, code: codeOf(access, "UNAVAILABLE"), what });
    }
    for (const [other, { renewAtMs }] of cache) if (renewAtMs <= askedAt.getTime()) cache.delete(other);
    cache.set(key, { token: answer.token, renewAtMs: renewalMs(answer, askedAt) });
    return answer.token;
  };

  return {
    get: async (access, query, signal) => {
      const key = JSON.stringify([query, identityOf(access.credentials)]);
      const cached = cache.get(key);
      if (cached !== undefined && cached.renewAtMs > now().getTime()) return cached.token;
      // An error names side and stage, so only those share a flight who share these.
      const flightKey = JSON.stringify([key, access.registry, access.side, access.stage]);
      return await singleFlight(flightKey, (flight) => fetchToken(key, access, query, flight), signal);
    },
    forget: (token) => {
      for (const [key, cached] of cache) if (cached.token === token) cache.delete(key);
    },
  };
}

/** `Basic …` for a user and password, undefined for anonymous access. */
export function basicAuthorization(credentials: Credentials): string | undefined {
  if (credentials.kind === "anonymous") return undefined;
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`, "utf8").toString("base64")}`;
}

/** Tells accounts apart without keeping a password as a key. */
function identityOf(credentials: Credentials): string {
  if (credentials.kind === "anonymous") return "anonymous";
  return createHash("sha256").update(JSON.stringify(credentials)).digest("base64");
}

/** Source: distribution token specification, "Requesting a Token". */
function tokenUrl(access: RegistryAccess, { realm, service, scopes }: TokenQuery): URL {
  const url = URL.parse(realm);
  const isAllowed = url?.protocol === "https:" || (url?.protocol === "http:" && access.insecure);
  if (url === null || !isAllowed) {
    throw new ImportError({
      ...access,
      code: "HOST_NOT_ALLOWED",
      what: `it sends credentials to ${url?.host ?? "a realm that is no URL"} without TLS`,
      hint: "the realm of the registry's challenge must be an https URL",
    });
  }
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  return url;
}

const tokenSchema = z.object({
  token: z.string().min(1).optional().catch(undefined),
  access_token: z.string().min(1).optional().catch(undefined), // ACR answers only this one
  expires_in: z.coerce.number().positive().optional().catch(undefined),
});

interface TokenAnswer {
  readonly token: string;
  readonly lifetimeSeconds: number | undefined;
}

function parseToken(text: string): TokenAnswer | undefined {
  const parsed = tokenSchema.safeParse(parseJson(text));
  const token = parsed.data?.token ?? parsed.data?.access_token;
  return token === undefined ? undefined : { token, lifetimeSeconds: parsed.data?.expires_in };
}

/** Without `expires_in` a token lives 60 s, says the token specification. A JWT that says less is believed. */
function renewalMs({ token, lifetimeSeconds }: TokenAnswer, askedAt: Date): number {
  const lifetimes = [lifetimeSeconds, jwtLifetimeSeconds(token, askedAt)].filter((seconds) => seconds !== undefined);
  const lifetimeMs = (lifetimes.length === 0 ? 60 : Math.min(...lifetimes)) * 1_000;
  const earlyMs = Math.min(60_000, lifetimeMs * 0.2);
  return askedAt.getTime() + lifetimeMs - earlyMs;
}

const claimsSchema = z.object({ exp: z.number(), iat: z.number().optional().catch(undefined) });

/** From `iat` to `exp` where both are there: that holds whatever our own clock says. */
function jwtLifetimeSeconds(token: string, askedAt: Date): number | undefined {
  const payload = token.split(".")[1];
  if (payload === undefined) return undefined;
  const claims = claimsSchema.safeParse(parseJson(Buffer.from(payload, "base64url").toString("utf8")));
  if (!claims.success) return undefined;
  const { exp, iat = askedAt.getTime() / 1_000 } = claims.data;
  return Math.max(0, exp - iat);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
