import { unreachable } from "../errors.ts";
import type { Credentials, RegistryAccess } from "./registry.ts";

/** When credentials end that a request brought, as they say themselves; undefined: they say nothing, or are renewed here. */
export function endOf(credentials: Credentials): Date | undefined {
  return "endsAt" in credentials ? credentials.endsAt : undefined;
}

/** What can be done about credentials that are refused as such: by a token service, or by a registry that takes them itself. */
export function signInHint(access: RegistryAccess): string {
  const { credentials } = access;
  const where = whereOf(access);
  switch (credentials.kind) {
    case "anonymous":
      return `it gives no token without a sign-in: ${giveSome(access)}`;
    case "password":
      return `user name or password is wrong or has expired: check ${where}`;
    case "identityToken":
      return `the identity or refresh token is wrong or has expired (at ACR after 3 h): check ${where}`;
    case "entra":
      return `the Entra token has expired, is of another tenant or cloud, or its identity has no role at this registry (AcrPull, AcrPush or the Repository roles): check ${where}`;
    case "expiring":
      return `${credentials.account} is refused although it was renewed: check its rights at this registry, and ${where}`;
    default:
      return unreachable(credentials);
  }
}

/**
 * What can be done about a 401 of a registry itself. With Basic it has seen the credentials; a token is given for right
 * ones only, which then lack a right, or there is nothing to have it for.
 */
export function refusalHint(access: RegistryAccess, scheme: "basic" | "bearer" | "none"): string {
  const lookAlike = access.side === "source" ? "; private and missing repositories look the same" : "";
  if (access.credentials.kind === "anonymous") return `nobody has signed in: ${giveSome(access)}${lookAlike}`;
  if (scheme === "basic") return signInHint(access);
  const taken = scheme === "bearer" ? "its token service takes the credentials: check their rights, and " : "check ";
  return `${taken}${whereOf(access)}${lookAlike}`;
}

/** Where the credentials are that were refused. */
function whereOf({ side, credentialsFrom }: RegistryAccess): string {
  switch (credentialsFrom) {
    case "request":
      return "source.credentials";
    case "entry":
      return "the registry's entry in REGISTRIES";
    case "settings":
      return "its entry in REGISTRIES";
    case undefined:
      return side === "source"
        ? "source.credentials, or the registry's entry in REGISTRIES"
        : "its entry in REGISTRIES";
    default:
      return unreachable(credentialsFrom);
  }
}

function giveSome({ side, credentialsFrom }: RegistryAccess): string {
  return side === "source" && credentialsFrom !== "settings"
    ? "give source.credentials, or name the registry in REGISTRIES"
    : "name the registry in REGISTRIES, with its auth";
}
