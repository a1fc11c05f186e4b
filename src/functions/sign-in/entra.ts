import type { EntraIdentity } from "../../domain/sign-in.ts";
import { type ErrorPlace, ImportError } from "../../errors.ts";
import type { Credentials } from "../../registry/registry.ts";
import { nameOf, signInFailure } from "./sign-in-failure.ts";
import type { ReadSecret } from "./vault.ts";

/** An identity that tokens can be had for; service principals with their secret at hand. */
export type EntraAccount =
  | { readonly kind: "app"; readonly clientId: string | undefined }
  | {
      readonly kind: "servicePrincipal";
      readonly tenantId: string;
      readonly clientId: string;
      readonly clientSecret: string;
      /** Sign-in service of the cloud that the registry is in. */
      readonly cloud: AzureCloud;
    };

export type AzureCloud = "public" | "china" | "government";

export interface EntraDeps {
  /** An access token for `scope`; throws what @azure/identity throws. It keeps tokens itself. */
  readonly getToken: (account: EntraAccount, scope: string, signal: AbortSignal) => Promise<string | undefined>;
  readonly readSecret: ReadSecret;
}

/** Credentials of an Entra identity for an ACR. */
export type EntraCredentials = (identity: EntraIdentity, host: string) => Credentials;

export function createEntra({ getToken, readSecret }: EntraDeps): EntraCredentials {
  /** The second scope is that of the cloud's resource manager: registries of some clouds know no audience of their own. */
  const tokenFor = async (account: EntraAccount, cloud: AzureCloud, signal: AbortSignal): Promise<string> => {
    const [own, other] = scopes[cloud];
    try {
      return await tokenOf(getToken(account, own, signal));
    } catch (thrown) {
      if (other === undefined || nameOf(thrown) === "CredentialUnavailableError") throw thrown;
      return await tokenOf(getToken(account, other, signal)).catch(() => {
        throw thrown;
      });
    }
  };

  return (identity, host) => {
    const cloud = cloudOf(host);
    const accessToken = async (place: ErrorPlace, signal: AbortSignal): Promise<string> => {
      try {
        if (identity.kind === "app") return await tokenFor(identity, cloud, signal);
        const { secret, ...principal } = identity;
        const clientSecret = await readSecret(secret, { place, refused: undefined }, signal);
        try {
          return await tokenFor({ ...principal, clientSecret, cloud }, cloud, signal);
        } catch (thrown) {
          const renewed = await readSecret(secret, { place, refused: clientSecret }, signal);
          if (renewed === clientSecret) throw thrown;
          return await tokenFor({ ...principal, clientSecret: renewed, cloud }, cloud, signal);
        }
      } catch (thrown) {
        signal.throwIfAborted();
        if (thrown instanceof ImportError) throw thrown;
        throw signInFailure(place, { ...failures[identity.kind], cause: thrown });
      }
    };
    return { kind: "entra", account: JSON.stringify([accountOf(identity), cloud]), accessToken };
  };
}

/** Source: KnownContainerRegistryAudience of @azure/container-registry, and the ACR facts on audiences. */
const scopes: Readonly<Record<AzureCloud, readonly [own: string, other?: string]>> = {
  public: ["https://containerregistry.azure.net/.default"],
  china: ["https://containerregistry.azure.net/.default", "https://management.chinacloudapi.cn/.default"],
  government: ["https://containerregistry.azure.net/.default", "https://management.usgovcloudapi.net/.default"],
};

const failures = {
  app: {
    what: "the app's own identity gives no Entra token",
    hint: "give the app a managed identity, and clientId of the entry the id of one that it has; on your own machine run: az login",
  },
  servicePrincipal: {
    what: "the service principal gets no Entra token",
    hint: "check tenantId, clientId and secret of the registry's entry, and that the secret has not expired",
  },
} as const;

function cloudOf(host: string): AzureCloud {
  if (host.endsWith(".azurecr.cn")) return "china";
  return host.endsWith(".azurecr.us") ? "government" : "public";
}

function accountOf(identity: EntraIdentity): readonly string[] {
  return identity.kind === "app" ? [identity.clientId ?? ""] : [identity.tenantId, identity.clientId];
}

async function tokenOf(answer: Promise<string | undefined>): Promise<string> {
  const token = await answer;
  if (token === undefined) throw new Error("no token was given");
  return token;
}
