import type { TokenCredential } from "@azure/identity";
import { createSignIn, type ToCredentials } from "./functions/sign-in/create-sign-in.ts";
import { createEcr } from "./functions/sign-in/ecr.ts";
import { type AzureCloud, createEntra, type EntraAccount } from "./functions/sign-in/entra.ts";
import { createGoogle } from "./functions/sign-in/google.ts";
import { createVault } from "./functions/sign-in/vault.ts";
import { lazyCredential } from "./lazy-credential.ts";
import { createManagedIdentity } from "./managed-identity.ts";
import type { SignInConfig } from "./sign-in-settings.ts";

export interface SignInServicesDeps {
  readonly config: SignInConfig;
  /** On a developer's machine the Azure CLI stands for the app's identity. */
  readonly isEmbedded: boolean;
  readonly now: () => Date;
}

/** Everything that comes by credentials: Entra identities, the key vault, AWS and Google. */
export function createSignInServices({ config, isEmbedded, now }: SignInServicesDeps): ToCredentials {
  const credentials = new Map<string, TokenCredential>(); // one per account: each keeps its tokens
  const credentialOf = (account: EntraAccount): TokenCredential => {
    const key = JSON.stringify(account);
    const credential = credentials.get(key) ?? createCredential(account, config, isEmbedded);
    credentials.set(key, credential);
    return credential;
  };
  const readSecret = createVault({
    now,
    readSecret: async (name, signal) => {
      const { SecretClient } = await import("@azure/keyvault-secrets"); // loaded by those who have a vault only
      if (config.keyVaultUrl === undefined) throw new Error("KEY_VAULT_URL is not set");
      const client = new SecretClient(config.keyVaultUrl, credentialOf(ownAccount));
      return (await client.getSecret(name, { abortSignal: signal })).value;
    },
  });
  return createSignIn({
    entra: createEntra({
      readSecret,
      getToken: async (account, scope, signal) =>
        (await credentialOf(account).getToken(scope, { abortSignal: signal }))?.token,
    }),
    ecr: createEcr({ readSecret, now }),
    google: createGoogle({ readSecret, now }),
    readSecret,
  });
}

/** The app itself, for what is no registry. */
export function createAppCredential(config: SignInConfig, isEmbedded: boolean): TokenCredential {
  return createCredential(ownAccount, config, isEmbedded);
}

const ownAccount: EntraAccount = { kind: "app", clientId: undefined };

/** Never a chain of whatever happens to sign in: in Azure it is known who the app is. */
function createCredential(account: EntraAccount, config: SignInConfig, isEmbedded: boolean): TokenCredential {
  return lazyCredential(async () => {
    const library = await import("@azure/identity");
    if (account.kind === "servicePrincipal") {
      const { tenantId, clientId, clientSecret, cloud } = account;
      const authorityHost = library.AzureAuthorityHosts[authorities[cloud]];
      return new library.ClientSecretCredential(tenantId, clientId, clientSecret, { authorityHost });
    }
    const { workloadIdentity } = config;
    const clientId = account.clientId ?? config.clientId;
    if (workloadIdentity !== undefined) {
      const named = account.clientId ?? workloadIdentity.clientId;
      return new library.WorkloadIdentityCredential({ ...workloadIdentity, clientId: named });
    }
    if (isEmbedded) return new library.AzureCliCredential();
    return await createManagedIdentity(clientId);
  });
}

const authorities = {
  public: "AzurePublicCloud",
  china: "AzureChina",
  government: "AzureGovernment",
} as const satisfies Readonly<Record<AzureCloud, string>>;
