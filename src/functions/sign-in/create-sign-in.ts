import { createHash } from "node:crypto";
import { z } from "zod";
import type { SecretSource, SignIn } from "../../domain/sign-in.ts";
import { type ErrorPlace, unreachable } from "../../errors.ts";
import { jwtEnd } from "../../registry/jwt.ts";
import type { Credentials, UserPassword } from "../../registry/registry.ts";
import type { EcrCredentials } from "./ecr.ts";
import type { EntraCredentials } from "./entra.ts";
import type { GoogleCredentials } from "./google.ts";
import { signInFailure } from "./sign-in-failure.ts";
import type { ReadSecret } from "./vault.ts";

/** Where somebody signs in. */
export interface SignInPlace {
  readonly host: string;
  /** An Azure Container Registry: there Entra signs in. */
  readonly isAcr: boolean;
}

/** Credentials as the registry client takes them. Makes no request: what has to be fetched is when it is needed. */
export type ToCredentials = (signIn: SignIn, place: SignInPlace) => Credentials;

export interface SignInDeps {
  readonly entra: EntraCredentials;
  readonly ecr: EcrCredentials;
  readonly google: GoogleCredentials;
  readonly readSecret: ReadSecret;
}

export function createSignIn({ entra, ecr, google, readSecret }: SignInDeps): ToCredentials {
  return (signIn, { host, isAcr }) => {
    switch (signIn.kind) {
      case "anonymous":
      case "password":
        return signIn;
      case "refreshToken":
        return givenIdentityToken(signIn.token);
      case "token":
        return isAcr ? givenEntraToken(signIn.token) : givenIdentityToken(signIn.token);
      case "vault":
        return vaultUser(signIn, readSecret);
      case "entra":
        return entra(signIn.identity, host);
      case "ecr":
        return ecr(signIn.keys, host);
      case "google":
        return google(signIn.key);
      default:
        return unreachable(signIn);
    }
  };
}

/** One Entra token that cannot be renewed here: whoever gave it has to give another one. */
function givenEntraToken(token: string): Credentials {
  const account = createHash("sha256").update(token).digest("base64");
  return { kind: "entra", account, accessToken: async () => token, endsAt: jwtEnd(token) };
}

function givenIdentityToken(token: string): Credentials {
  return { kind: "identityToken", token, endsAt: jwtEnd(token) };
}

/** A password in the key vault, or without `username` a user and password: read again when it is refused. */
function vaultUser({ username, secret }: Extract<SignIn, { kind: "vault" }>, readSecret: ReadSecret): Credentials {
  const source: SecretSource = { secret };
  let given: { readonly text: string; readonly user: UserPassword } | undefined; // the same object for the same text
  const current = async (place: ErrorPlace, refused: UserPassword | undefined, signal: AbortSignal) => {
    const refusedText = refused !== undefined && refused === given?.user ? given.text : undefined;
    const text = await readSecret(source, { place, refused: refusedText }, signal);
    if (given?.text !== text) given = { text, user: userOf(text, username, secret, place) };
    return given.user;
  };
  return {
    kind: "expiring",
    account: `the secret ${secret}${username === undefined ? "" : ` of ${username}`}`,
    current,
  };
}

const userSchema = z.object({ username: z.string().min(1), password: z.string().min(1) });

function userOf(text: string, username: string | undefined, secret: string, place: ErrorPlace): UserPassword {
  if (username !== undefined) return { username, password: text };
  try {
    return userSchema.parse(JSON.parse(text));
  } catch {
    throw signInFailure(place, {
      what: `the secret ${secret} holds no user name`,
      hint: `give username beside the secret, or store {"username":"…","password":"…"} in it`,
      cause: undefined,
    });
  }
}
