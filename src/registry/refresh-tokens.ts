import { z } from "zod";
import { ImportError } from "../errors.ts";
import { parseJson } from "../json.ts";
import { codeOf } from "./errors-from-response.ts";
import { createExpiringCache } from "./expiring-cache.ts";
import { jwtLifetimeSeconds, readClaims } from "./jwt.ts";
import { placeOfAccess } from "./place-of-access.ts";
import type { Credentials, RegistryAccess } from "./registry.ts";
import { ownUrl, type TokenFetch } from "./token-request.ts";

export interface RefreshTokensDeps {
  readonly now: () => Date;
  readonly fetch: TokenFetch;
  readonly identityOf: (credentials: Credentials) => string;
}

export interface RefreshTokenWish {
  /** As the registry names itself in its challenge; its host where it has not been asked yet. */
  readonly service: string;
  /** One that is no longer taken. */
  readonly refused: string | undefined;
}

/** The refresh token of an ACR for an access with Entra credentials. */
export type RefreshTokens = (access: RegistryAccess, wish: RefreshTokenWish, signal: AbortSignal) => Promise<string>;

/**
 * Exchanges Entra access tokens for refresh tokens of an ACR: once per host and identity until they expire. The Entra
 * token goes to that host's own `/oauth2/exchange` and nowhere else, whatever a challenge says.
 * Source: Azure/acr docs/AAD-OAuth.md.
 */
export function createRefreshTokens({ now, fetch, identityOf }: RefreshTokensDeps): RefreshTokens {
  const tokenCache = createExpiringCache<string>({ now });
  return async (access, { service, refused }, signal) => {
    const { credentials, registry } = access;
    if (credentials.kind !== "entra") throw new Error(`${credentials.kind} credentials cannot be exchanged`);
    const obtain = async (flight: AbortSignal) => {
      const accessToken = await credentials.accessToken(access, flight);
      const askedAt = now();
      const tenant = readClaims(accessToken).tid;
      const form = {
        ...{ grant_type: "access_token", service, access_token: accessToken },
        ...(tenant === undefined ? {} : { tenant }),
      };
      const answer = await fetch(access, { url: ownUrl(access, "/oauth2/exchange"), form }, flight);
      const token = answerSchema.safeParse(parseJson(answer)).data?.refresh_token;
      if (token === undefined) throw notExchanged(access);
      return { value: token, lifetimeSeconds: jwtLifetimeSeconds(token, askedAt) ?? unknownLifetimeSeconds };
    };
    const key = JSON.stringify([registry, identityOf(credentials)]);
    return await tokenCache.get({ key, place: access, obtain, refused }, signal);
  };
}

const answerSchema = z.object({ refresh_token: z.string().min(1) });
const unknownLifetimeSeconds = 3_600; // a third of what ACR gives; one that ends earlier is renewed when it is refused

function notExchanged(access: RegistryAccess): ImportError {
  return new ImportError({
    ...placeOfAccess(access),
    code: codeOf(access, "UNAVAILABLE"),
    what: "it answered the exchange of an Entra token without a refresh token",
    hint: "Entra signs in at Azure Container Registries only: check the registry's auth and profile in REGISTRIES",
  });
}
