import { unreachable } from "../errors.ts";
import type { Credentials, RegistryAccess } from "./registry.ts";

/** When credentials end that a request brought, as they say themselves; undefined: they say nothing, or are renewed here. */
export function endOf(credentials: Credentials): Date | undefined {
  return "endsAt" in credentials ? credentials.endsAt : undefined;
}

/** What can be done about credentials that a token service refuses. */
export function signInHint({ credentials, side }: RegistryAccess): string {
  const where =
    side === "source" ? "source.credentials, or the registry's entry in REGISTRIES" : "its entry in REGISTRIES";
  switch (credentials.kind) {
    case "anonymous":
      return side === "source"
        ? "it gives no token without a sign-in: give source.credentials, or name the registry in REGISTRIES"
        : "it gives no token without a sign-in: name the registry in REGISTRIES, with its auth";
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
