import type { AwsKeys } from "../../domain/sign-in.ts";
import { type ErrorPlace, ImportError } from "../../errors.ts";
import { createExpiringCache } from "../../registry/expiring-cache.ts";
import type { Credentials, UserPassword } from "../../registry/registry.ts";
import { lifetimeUntil } from "./lifetime-until.ts";
import { signInFailure } from "./sign-in-failure.ts";
import type { ReadSecret } from "./vault.ts";

export interface EcrDeps {
  readonly readSecret: ReadSecret;
  readonly now: () => Date;
}

/** Credentials for an ECR host: with the keys of its entry, else with what the AWS SDK finds (environment, role). */
export type EcrCredentials = (keys: AwsKeys | undefined, host: string) => Credentials;

/** Tokens of `GetAuthorizationToken`, which are good for all repositories of a region that the account may use: 12 h. */
export function createEcr({ readSecret, now }: EcrDeps): EcrCredentials {
  const cache = createExpiringCache<UserPassword>({ now });

  const obtain = async (keys: AwsKeys | undefined, host: string, place: ErrorPlace, signal: AbortSignal) => {
    try {
      const secretAccessKey = keys && (await readSecret(keys.secret, { place, refused: undefined }, signal));
      const credentials =
        keys === undefined || secretAccessKey === undefined
          ? {}
          : { credentials: { accessKeyId: keys.accessKeyId, secretAccessKey } };
      // Loaded by those who have an ECR only: it is the largest of all packages.
      const { ECRClient, GetAuthorizationTokenCommand } = await import("@aws-sdk/client-ecr");
      const client = new ECRClient({ ...placeOf(host), ...credentials, maxAttempts: 1 });
      const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}), { abortSignal: signal });
      const [data] = authorizationData ?? [];
      const user = parseAuthorization(data?.authorizationToken);
      if (user === undefined) throw new Error("the answer holds no token");
      return { value: user, lifetimeSeconds: lifetimeUntil(data?.expiresAt?.getTime(), now()) };
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof ImportError) throw thrown;
      throw signInFailure(place, {
        what: "AWS gives no token for this registry",
        hint: "give the app AWS credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a web identity, or username and secret of the registry's entry) that may call ecr:GetAuthorizationToken",
        cause: thrown,
      });
    }
  };

  return (keys, host) => {
    const account = `the AWS account of ${keys?.accessKeyId ?? "the environment"}`;
    return {
      kind: "expiring",
      account,
      current: (place, refused, signal) =>
        cache.get(
          {
            key: JSON.stringify([account, host]),
            place,
            refused,
            obtain: (flight) => obtain(keys, host, place, flight),
          },
          signal,
        ),
    };
  };
}

const ecrHost =
  /^\d{12}\.dkr[.-]ecr(-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws|on\.amazonwebservices\.com\.cn)$/;

/** Region and kind of endpoint, as the registry's host says them. */
function placeOf(host: string): { readonly region: string; readonly useFipsEndpoint: boolean } {
  const [, fips, region] = ecrHost.exec(host) ?? [];
  if (region === undefined) throw new Error(`${host} names no region of ECR`);
  return { region, useFipsEndpoint: fips !== undefined };
}

function parseAuthorization(token: string | undefined): UserPassword | undefined {
  const [, username, password] = /^([^:]+):(.+)$/s.exec(Buffer.from(token ?? "", "base64").toString("utf8")) ?? [];
  return username === undefined || password === undefined ? undefined : { username, password };
}
