import type { SecretSource } from "../../domain/sign-in.ts";
import type { ErrorPlace } from "../../errors.ts";
import { createExpiringCache } from "../../registry/expiring-cache.ts";
import { signInFailure, statusOf } from "./sign-in-failure.ts";

export interface VaultDeps {
  /** The current version of a secret of the key vault; throws what the SDK throws. */
  readonly readSecret: (name: string, signal: AbortSignal) => Promise<string | undefined>;
  readonly now: () => Date;
}

/**
 * The value of a secret, kept for minutes: a vault bounds how often it is asked. `refused`: a value that was not taken,
 * so that a secret that was changed meanwhile is read again.
 */
export type ReadSecret = (
  source: SecretSource,
  wanted: { readonly place: ErrorPlace; readonly refused: string | undefined },
  signal: AbortSignal,
) => Promise<string>;

export function createVault({ readSecret, now }: VaultDeps): ReadSecret {
  const cache = createExpiringCache<string>({ now });
  return async (source, { place, refused }, signal) => {
    if ("value" in source) return source.value;
    const { secret } = source;
    const obtain = async (flight: AbortSignal) => ({
      value: await fetchSecret(readSecret, secret, place, flight),
      lifetimeSeconds,
    });
    return await cache.get({ key: secret, place, obtain, refused }, signal);
  };
}

const lifetimeSeconds = 6 * 60; // read again a minute before

async function fetchSecret(
  readSecret: VaultDeps["readSecret"],
  name: string,
  place: ErrorPlace,
  signal: AbortSignal,
): Promise<string> {
  const what = `the secret ${name} cannot be read from the key vault`;
  const value = await readSecret(name, signal).catch((thrown: unknown) => {
    signal.throwIfAborted();
    throw signInFailure(place, { what, hint: hintOf(statusOf(thrown)), cause: thrown });
  });
  if (value !== undefined && value !== "") return value;
  throw signInFailure(place, { what, hint: "the secret is empty", cause: undefined });
}

function hintOf(status: number | undefined): string {
  if (status === 404) return "the vault of KEY_VAULT_URL has no secret of this name";
  if (status === 403)
    return "the app's identity needs the role Key Vault Secrets User, and a way through the vault's firewall";
  return "check KEY_VAULT_URL, and that the app's identity can sign in";
}
