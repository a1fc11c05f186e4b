import { createHash } from "node:crypto";
import type { SignIn } from "../../domain/registries.ts";
import { unreachable } from "../../errors.ts";
import type { Credentials } from "../../registry/registry.ts";

/** Where somebody signs in. */
export interface SignInPlace {
  readonly host: string;
  /** An Azure Container Registry: there Entra signs in. */
  readonly isAcr: boolean;
}

/** Credentials as the registry client takes them. Makes no request: what has to be fetched is when it is needed. */
export type ToCredentials = (signIn: SignIn, place: SignInPlace) => Credentials;

export function createSignIn(): ToCredentials {
  return (signIn, { isAcr }) => {
    switch (signIn.kind) {
      case "anonymous":
      case "password":
        return signIn;
      case "refreshToken":
        return { kind: "identityToken", token: signIn.token };
      case "token":
        return isAcr ? givenEntraToken(signIn.token) : { kind: "identityToken", token: signIn.token };
      default:
        return unreachable(signIn);
    }
  };
}

/** One Entra token that cannot be renewed here: whoever gave it has to give another one. */
function givenEntraToken(token: string): Credentials {
  const account = createHash("sha256").update(token).digest("base64");
  return { kind: "entra", account, accessToken: async () => token };
}
