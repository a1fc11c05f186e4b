import type { ImportCredentials } from "../../domain/delegation.ts";
import { refreshTokenUser } from "../../domain/sign-in.ts";
import { ImportError, unreachable } from "../../errors.ts";
import { signInEnded } from "../../registry/errors-from-response.ts";
import type { Repository } from "../../registry/registry.ts";
import { endOf } from "../../registry/sign-in-hint.ts";
import { placeOf } from "../../transfer/place-of.ts";
import type { OpenRepositories } from "../open-repositories.ts";

export interface CredentialsForAcrDeps {
  readonly repositories: Pick<OpenRepositories, "refreshToken">;
  readonly now: () => Date;
}

/**
 * What this service would sign in with at the source, in ACR's form: in memory only, and in the request to Azure. What
 * ACR says of a token that has expired is the same as of a wrong one, so it is not shown such a token. An Entra token of
 * the settings' identities is good for much else and is shown to nobody but the source: ACR gets the refresh token that
 * the source gives for it.
 */
export async function credentialsForAcr(
  deps: CredentialsForAcrDeps,
  source: Repository,
  signal: AbortSignal,
): Promise<ImportCredentials | undefined> {
  const { credentials, credentialsFrom } = source.registry.access;
  const place = placeOf(source);
  const endsAt = endOf(credentials);
  if (endsAt !== undefined && endsAt <= deps.now()) throw signInEnded(place);
  switch (credentials.kind) {
    case "anonymous":
      return undefined;
    case "password":
      return { username: credentials.username, password: credentials.password };
    case "identityToken":
      return { username: refreshTokenUser, password: credentials.token };
    case "entra":
      // A request's own is still there only where the source could not be asked to exchange it.
      if (credentialsFrom === "request") return { password: await credentials.accessToken(place, signal) };
      return { username: refreshTokenUser, password: await refreshTokenFor(deps, source, signal) };
    case "expiring": {
      const { username, password } = await credentials.current(place, undefined, signal);
      return { username, password };
    }
    default:
      return unreachable(credentials);
  }
}

async function refreshTokenFor(
  { repositories }: CredentialsForAcrDeps,
  source: Repository,
  signal: AbortSignal,
): Promise<string> {
  try {
    return await repositories.refreshToken(source, signal);
  } catch (thrown) {
    if (!(thrown instanceof ImportError)) throw thrown;
    throw new ImportError({
      ...placeOf(source),
      code: thrown.code,
      retryable: thrown.retryable,
      what: `Azure does not tell the app's identity of this registry, and its token goes to the registry alone, which gives none in its place (${thrown.message})`,
      hint: "give the registry's entry in REGISTRIES the resourceId: then ACR reads it as the app's identity",
      cause: thrown,
    });
  }
}
