import { ImportError } from "../errors.ts";
import { parseChallenges } from "./challenge.ts";
import { codeOf } from "./errors-from-response.ts";
import { placeOfAccess } from "./place-of-access.ts";
import type { RecentMap } from "./recent-map.ts";
import type { RegistryAccess } from "./registry.ts";
import { mergeScopes } from "./scopes.ts";
import { basicHeader } from "./token-endpoint.ts";
import type { Tokens } from "./tokens.ts";

type SignInScheme =
  | { readonly kind: "none" }
  | { readonly kind: "basic" }
  | { readonly kind: "bearer"; readonly realm: string; readonly service: string | undefined };

/** How a host wants to be signed in at; undefined until it has answered. One object per host, for all who ask it. */
export interface HostSignIn {
  scheme: SignInScheme | undefined;
  /** Scopes that the host has asked for in place of ours, by ours: some name repositories otherwise than their paths. */
  readonly scopes: Pick<RecentMap<readonly string[]>, "get" | "set">;
}

export interface AuthorizerDeps {
  readonly access: RegistryAccess;
  readonly signIn: HostSignIn;
  readonly tokens: Tokens;
  readonly scopes: readonly string[];
}

/** Finds the Authorization header for requests of one access and scope at one host. */
export interface Authorizer {
  /** From what is known of the host already, so that no request is spent on being refused. */
  readonly current: (signal: AbortSignal) => Promise<string | undefined>;
  /** After a 401: another header than `refused` to try with, or undefined when there is none. */
  readonly renew: (challenge: string, refused: string | undefined, signal: AbortSignal) => Promise<string | undefined>;
  /** The host has answered without a challenge. */
  readonly accepted: () => void;
  /** A new token for the scopes; undefined at a host that is known to take none. */
  readonly newToken: (signal: AbortSignal) => Promise<string | undefined>;
  /** How the host wants to be signed in at, as far as it has said so. */
  readonly scheme: () => SignInScheme["kind"];
  /** Nothing is known of the host yet. */
  readonly isFirstContact: () => boolean;
}

export function createAuthorizer({ access, signIn, tokens, scopes }: AuthorizerDeps): Authorizer {
  const scopesKey = scopes.join(" ");
  const queryAt = ({ realm, service }: Extract<SignInScheme, { kind: "bearer" }>) => ({
    ...{ realm, service },
    scopes: signIn.scopes.get(scopesKey) ?? scopes,
  });

  /** `refused`: a header that has just been refused, and is not to be given again if there is another. */
  const headerFor = async (refused: string | undefined, signal: AbortSignal): Promise<string | undefined> => {
    const { scheme } = signIn;
    if (scheme === undefined || scheme.kind === "none") return undefined;
    if (scheme.kind === "basic") return await basicAuthorization(access, refused, signal);
    return `Bearer ${await tokens.get(access, queryAt(scheme), signal)}`;
  };

  return {
    current: (signal) => headerFor(undefined, signal),
    renew: async (header, refused, signal) => {
      const challenges = parseChallenges(header);
      const bearer = challenges.find(({ scheme, parameters }) => scheme === "bearer" && parameters.realm);
      const realm = bearer?.parameters.realm;
      if (bearer !== undefined && realm !== undefined) {
        const { service, scope } = bearer.parameters;
        signIn.scheme = { kind: "bearer", realm, service };
        const wanted = mergeScopes([...scopes, ...(scope?.split(" ") ?? [])]);
        if (wanted.join(" ") !== scopesKey) signIn.scopes.set(scopesKey, wanted);
        if (refused?.startsWith("Bearer ")) tokens.forget(refused.slice("Bearer ".length));
      } else if (challenges.some(({ scheme }) => scheme === "basic")) {
        signIn.scheme = { kind: "basic" };
      } else {
        return undefined;
      }
      const renewed = await headerFor(refused, signal);
      return renewed === refused ? undefined : renewed;
    },
    accepted: () => {
      signIn.scheme ??= { kind: "none" };
    },
    newToken: async (signal) => {
      const { scheme } = signIn;
      return scheme?.kind === "bearer" ? await tokens.renew(access, queryAt(scheme), signal) : undefined;
    },
    scheme: () => signIn.scheme?.kind ?? "none",
    isFirstContact: () => signIn.scheme === undefined,
  };
}

/** `Basic …` for a user and password, undefined for anonymous access. */
async function basicAuthorization(
  access: RegistryAccess,
  refused: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { credentials } = access;
  switch (credentials.kind) {
    case "anonymous":
      return undefined;
    case "password":
      return basicHeader(credentials);
    case "identityToken":
    case "entra":
      throw new ImportError({
        ...placeOfAccess(access),
        code: codeOf(access, "UNAUTHORIZED"),
        what: "it takes a user name and a password only (Basic), and no token alone",
        hint: "give the user name that belongs to the token or password",
      });
    case "expiring": {
      const user = await credentials.current(access, undefined, signal);
      if (basicHeader(user) !== refused) return basicHeader(user);
      return basicHeader(await credentials.current(access, user, signal));
    }
  }
}
