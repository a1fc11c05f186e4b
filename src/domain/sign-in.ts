/** A secret as the settings have it, or the name of one in the key vault. */
export type SecretSource = { readonly value: string } | { readonly secret: string };

/** Who signs in at Microsoft Entra. */
export type EntraIdentity =
  /** The app: by the managed identity of this client id, else by its own. */
  | { readonly kind: "app"; readonly clientId: string | undefined }
  /** Usually of another tenant. */
  | {
      readonly kind: "servicePrincipal";
      readonly tenantId: string;
      readonly clientId: string;
      readonly secret: SecretSource;
    };

export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secret: SecretSource;
}

/** How to sign in at a registry, as requests and settings say it. */
export type SignIn =
  | { readonly kind: "anonymous" }
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** A password without a user name: an Entra access token for an ACR, an identity token for others. */
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "refreshToken"; readonly token: string }
  /** A secret of the key vault: a password, or without `username` a JSON object with both. */
  | { readonly kind: "vault"; readonly username: string | undefined; readonly secret: string }
  | { readonly kind: "entra"; readonly identity: EntraIdentity }
  | { readonly kind: "ecr"; readonly keys: AwsKeys | undefined }
  | { readonly kind: "google"; readonly key: SecretSource | undefined };

/** Credentials that a request brings for its source. */
export interface SourceCredentials {
  /** Undefined: the password is a token that says itself whose it is. */
  readonly username?: string | undefined;
  readonly password: string;
}

/**
 * The user name that ACR knows its refresh tokens by, and that the Azure CLI gives them out with.
 * Source: Azure/acr docs/AAD-OAuth.md.
 */
export const refreshTokenUser = "00000000-0000-0000-0000-000000000000";

/** A secret of the key vault that a request names in place of credentials. */
export interface NamedSecret {
  readonly username?: string | undefined;
  readonly secret: string;
}

/** How a request says to sign in. */
export function signInWith(given: SourceCredentials | NamedSecret): SignIn {
  const { username } = given;
  if ("secret" in given) return { kind: "vault", username, secret: given.secret };
  const { password } = given;
  if (username === undefined) return { kind: "token", token: password };
  if (username === refreshTokenUser) return { kind: "refreshToken", token: password };
  return { kind: "password", username, password };
}
