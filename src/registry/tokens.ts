import { createHash } from "node:crypto";
import { z } from "zod";
import { ImportError } from "../errors.ts";
import { parseJson } from "../json.ts";
import { codeOf } from "./errors-from-response.ts";
import { createExpiringCache } from "./expiring-cache.ts";
import { jwtLifetimeSeconds } from "./jwt.ts";
import { placeOfAccess } from "./place-of-access.ts";
import { createRefreshTokens } from "./refresh-tokens.ts";
import type { Credentials, RegistryAccess } from "./registry.ts";
import { createTokenEndpoint, type TokenQuery } from "./token-endpoint.ts";
import type { TokenFetch } from "./token-request.ts";

export interface TokenDeps {
  readonly now: () => Date;
  readonly fetch: TokenFetch;
}

/** Access tokens of all registries, kept until shortly before they expire. */
export interface Tokens {
  readonly get: (access: RegistryAccess, query: TokenQuery, signal: AbortSignal) => Promise<string>;
  /** A new one, whose claims tell what holds now, in place of what is kept. */
  readonly renew: (access: RegistryAccess, query: TokenQuery, signal: AbortSignal) => Promise<string>;
  /** Drops a token that a registry no longer takes, unless another one has taken its place meanwhile. */
  readonly forget: (token: string) => void;
  /**
   * The refresh token that an ACR gives for an Entra token: kept, and one for all scopes. Signs in with it from then on
   * whoever comes with the same account.
   */
  readonly exchange: (access: RegistryAccess, service: string, signal: AbortSignal) => Promise<string>;
}

export function createTokens({ now, fetch }: TokenDeps): Tokens {
  const tokenCache = createExpiringCache<string>({ now });
  const refreshTokens = createRefreshTokens({ now, fetch, identityOf });
  const ask = createTokenEndpoint({ fetch, refreshTokens });

  const wanted = (access: RegistryAccess, query: TokenQuery) => ({
    key: JSON.stringify([query, identityOf(access.credentials), ...ownIssuer(access)]),
    place: access,
    obtain: async (flight: AbortSignal) => {
      const askedAt = now();
      const answer = parseToken(await ask(access, query, flight));
      if (answer === undefined) {
        const what = `the token service ${new URL(query.realm).host} answered without a token`;
        throw new ImportError({ ...placeOfAccess(access), code: codeOf(access, "UNAVAILABLE"), what });
      }
      return { value: answer.token, lifetimeSeconds: lifetimeSeconds(answer, askedAt) };
    },
  });

  return {
    get: (access, query, signal) => tokenCache.get(wanted(access, query), signal),
    renew: (access, query, signal) => tokenCache.renew(wanted(access, query), signal),
    forget: tokenCache.forget,
    exchange: (access, service, signal) => refreshTokens(access, { service, refused: undefined }, signal),
  };
}

/** Tells accounts apart without keeping a password as a key. One that renews its secrets stays the same account. */
function identityOf(credentials: Credentials): string {
  switch (credentials.kind) {
    case "anonymous":
      return credentials.kind;
    case "password":
    case "identityToken":
      return createHash("sha256").update(JSON.stringify(credentials)).digest("base64");
    case "entra":
    case "expiring":
      return `${credentials.kind} ${credentials.account}`;
  }
}

/** Entra signs in at the registry's own token service, whatever realm its challenge names: nobody else takes that token. */
function ownIssuer({ credentials, registry }: RegistryAccess): readonly string[] {
  return credentials.kind === "entra" ? [registry] : [];
}

const tokenSchema = z.object({
  token: z.string().min(1).optional().catch(undefined),
  access_token: z.string().min(1).optional().catch(undefined), // ACR answers only this one
  expires_in: z.coerce.number().positive().optional().catch(undefined),
});

interface TokenAnswer {
  readonly token: string;
  readonly expiresInSeconds: number | undefined;
}

function parseToken(text: string): TokenAnswer | undefined {
  const parsed = tokenSchema.safeParse(parseJson(text));
  const token = parsed.data?.token ?? parsed.data?.access_token;
  return token === undefined ? undefined : { token, expiresInSeconds: parsed.data?.expires_in };
}

/** Without `expires_in` a token lives 60 s, says the token specification. A JWT that says less is believed. */
function lifetimeSeconds({ token, expiresInSeconds }: TokenAnswer, askedAt: Date): number {
  const lifetimes = [expiresInSeconds, jwtLifetimeSeconds(token, askedAt)].filter((seconds) => seconds !== undefined);
  return lifetimes.length === 0 ? 60 : Math.min(...lifetimes);
}
