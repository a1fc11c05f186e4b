import { ImportError } from "../errors.ts";
import { placeOfAccess } from "./place-of-access.ts";
import { createRecentMap } from "./recent-map.ts";
import type { RefreshTokens } from "./refresh-tokens.ts";
import type { RegistryAccess, UserPassword } from "./registry.ts";
import { ownUrl, type TokenFetch, type TokenRequest } from "./token-request.ts";

/** A token that is wanted: where, by whose name and for what. */
export interface TokenQuery {
  readonly realm: string;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
}

export interface TokenEndpointDeps {
  readonly fetch: TokenFetch;
  readonly refreshTokens: RefreshTokens;
}

/** Asks a token service for an access token, in the form that the kind of credentials calls for. */
export type AskForToken = (access: RegistryAccess, query: TokenQuery, signal: AbortSignal) => Promise<string>;

/**
 * Sources: distribution token and OAuth2 specifications; Azure/acr docs/AAD-OAuth.md and Token-BasicAuth.md. What
 * renews itself (Entra, ECR, Google, key vaults) is renewed once when it is refused.
 */
export function createTokenEndpoint({ fetch, refreshTokens }: TokenEndpointDeps): AskForToken {
  const postOnly = createRecentMap<true>(maxRealms); // realms that do not know the GET form

  /**
   * GET with Basic is what every service has to know, and all that some do: ACR answers the POST of a password by 400,
   * Artifactory by 401. A refused password is not tried in the other form: that would count as a second wrong one.
   */
  const withPassword = async (
    access: RegistryAccess,
    query: TokenQuery,
    user: UserPassword,
    signal: AbortSignal,
  ): Promise<string> => {
    if (postOnly.get(query.realm) === undefined) {
      try {
        return await fetch(access, getForm(access, query, user), signal);
      } catch (thrown) {
        if (!isStatus(thrown, 404, 405)) throw thrown;
      }
    }
    const form = postForm(realmUrl(access, query), query, { grant_type: "password", ...user });
    const token = await fetch(access, form, signal);
    postOnly.set(query.realm, true);
    return token;
  };

  return async (access, query, signal) => {
    const { credentials } = access;
    switch (credentials.kind) {
      case "anonymous":
        return await fetch(access, getForm(access, query, undefined), signal);
      case "password": {
        const { username, password } = credentials;
        return await withPassword(access, query, { username, password }, signal);
      }
      case "identityToken":
        return await fetch(access, postForm(realmUrl(access, query), query, refreshing(credentials.token)), signal);
      case "entra":
        return await renewingOnce<string>(
          (refused) => refreshTokens(access, { service: query.service ?? access.registry, refused }, signal),
          (token) => fetch(access, postForm(ownUrl(access, "/oauth2/token"), query, refreshing(token)), signal),
        );
      case "expiring":
        return await renewingOnce<UserPassword>(
          (refused) => credentials.current(access, refused, signal),
          (user) => withPassword(access, query, user, signal),
        );
    }
  };
}

/** Source: distribution token specification, "Requesting a Token". */
function getForm(access: RegistryAccess, query: TokenQuery, user: UserPassword | undefined): TokenRequest {
  const url = realmUrl(access, query);
  if (query.service !== undefined) url.searchParams.set("service", query.service);
  for (const scope of query.scopes) url.searchParams.append("scope", scope);
  return { url, ...(user && { authorization: basicHeader(user) }) };
}

/** Source: distribution OAuth2 token specification. */
function postForm(url: URL, { service, scopes }: TokenQuery, grant: Grant): TokenRequest {
  const form = {
    ...grant,
    client_id: clientId,
    ...(service === undefined ? {} : { service }),
    ...(scopes.length === 0 ? {} : { scope: scopes.join(" ") }),
  };
  return { url, form };
}

function refreshing(token: string): Grant {
  return { grant_type: "refresh_token", refresh_token: token };
}

type Grant =
  | ({ readonly grant_type: "password" } & UserPassword)
  | { readonly grant_type: "refresh_token"; readonly refresh_token: string };

const maxRealms = 1_000;
const clientId = "drayage";

/** `Basic …` of RFC 7617. */
export function basicHeader({ username, password }: UserPassword): string {
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}

/** Uses what `obtain` gives, and once more what it gives instead of what was refused. */
async function renewingOnce<T>(
  obtain: (refused: T | undefined) => Promise<T>,
  use: (value: T) => Promise<string>,
): Promise<string> {
  const value = await obtain(undefined);
  try {
    return await use(value);
  } catch (thrown) {
    if (!isStatus(thrown, 400, 401, 403)) throw thrown;
    const renewed = await obtain(value);
    if (renewed === value) throw thrown;
    return await use(renewed);
  }
}

function isStatus(thrown: unknown, ...statuses: readonly number[]): boolean {
  return thrown instanceof ImportError && thrown.httpStatus !== undefined && statuses.includes(thrown.httpStatus);
}

/** The realm; HOST_NOT_ALLOWED where credentials would go there without TLS. */
function realmUrl(access: RegistryAccess, { realm }: TokenQuery): URL {
  const url = URL.parse(realm);
  const isAllowed = url?.protocol === "https:" || (url?.protocol === "http:" && access.insecure);
  if (url !== null && isAllowed) return url;
  throw new ImportError({
    ...placeOfAccess(access),
    code: "HOST_NOT_ALLOWED",
    what: `it sends credentials to ${url?.host ?? "a realm that is no URL"} without TLS`,
    hint: "the realm of the registry's challenge must be an https URL",
  });
}
