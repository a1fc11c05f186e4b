import { z } from "zod";
import type { SecretSource } from "../../domain/sign-in.ts";
import { type ErrorPlace, ImportError } from "../../errors.ts";
import { createExpiringCache } from "../../registry/expiring-cache.ts";
import type { Credentials, UserPassword } from "../../registry/registry.ts";
import { lifetimeUntil } from "./lifetime-until.ts";
import { signInFailure } from "./sign-in-failure.ts";
import type { ReadSecret } from "./vault.ts";

export interface GoogleDeps {
  readonly readSecret: ReadSecret;
  readonly now: () => Date;
}

/** Credentials for Artifact Registry: with a service account's key, else with what the library finds (ADC). */
export type GoogleCredentials = (key: SecretSource | undefined) => Credentials;

/** Access tokens of Google Cloud, which its registries take as the password of `oauth2accesstoken`: an hour. */
export function createGoogle({ readSecret, now }: GoogleDeps): GoogleCredentials {
  const cache = createExpiringCache<UserPassword>({ now });

  const obtain = async (key: SecretSource | undefined, place: ErrorPlace, signal: AbortSignal) => {
    try {
      const text = key && (await readSecret(key, { place, refused: undefined }, signal));
      const { GoogleAuth } = await import("google-auth-library"); // loaded by those who have such a registry only
      const auth = new GoogleAuth({ scopes, ...(text === undefined ? {} : { credentials: parseKey(text) }) });
      const client = await auth.getClient();
      const { token } = await client.getAccessToken();
      if (!token) throw new Error("no token was given");
      return {
        value: { username: "oauth2accesstoken", password: token },
        lifetimeSeconds: lifetimeUntil(client.credentials.expiry_date ?? undefined, now()),
      };
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof ImportError) throw thrown;
      throw signInFailure(place, {
        what: "Google gives no access token for this registry",
        hint: "give the app Google credentials (GOOGLE_APPLICATION_CREDENTIALS, or secret of the registry's entry: the key of a service account) with the role Artifact Registry Reader or Writer",
        cause: thrown,
      });
    }
  };

  return (key) => {
    const account = key === undefined ? "the Google account of the environment" : "the Google account of the entry";
    const source = key === undefined ? "" : JSON.stringify(key);
    return {
      kind: "expiring",
      account,
      current: (place, refused, signal) =>
        cache.get({ key: source, place, refused, obtain: (flight) => obtain(key, place, flight) }, signal),
    };
  };
}

const scopes = ["https://www.googleapis.com/auth/cloud-platform"];

/** What the key of a service account has to hold; its other properties are of no use here. */
const keySchema = z.object({
  type: z.literal("service_account"),
  client_email: z.string(),
  private_key: z.string(),
});

function parseKey(text: string): z.infer<typeof keySchema> {
  try {
    return keySchema.parse(JSON.parse(text));
  } catch {
    throw new Error("what is given is no key of a service account (JSON)"); // and not what it is: that may be secret
  }
}
