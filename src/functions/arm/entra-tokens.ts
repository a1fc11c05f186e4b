import { createRemoteJWKSet, customFetch, errors, type FetchImplementation, type JWTPayload, jwtVerify } from "jose";
import { z } from "zod";
import { ImportError } from "../../errors.ts";
import { createGuardedAgent, type Network } from "../../registry/guarded-agent.ts";

/** What a sign-in says about a caller. */
export interface CallerClaims {
  /** Object id of the user or service principal. */
  readonly oid: string | undefined;
  /** Of an app that calls for itself. */
  readonly appId: string | undefined;
  readonly roles: readonly string[];
}

/** Whose tokens are good. */
export interface EntraDeps {
  readonly tenantId: string;
  /** Scheme and host of the sign-in service, without a trailing slash. */
  readonly authority: string;
  readonly audiences: readonly string[];
}

export interface ReadTokenDeps extends EntraDeps {
  readonly network: Network;
}

/** Reads a bearer token; throws UNAUTHORIZED, or SIGN_IN_UNAVAILABLE when the tenant's keys cannot be had. */
export type ReadToken = (token: string) => Promise<CallerClaims>;

const clockToleranceSeconds = 60;

/** v1.0 tokens name the issuer by another host than the sign-in service's. Source: Microsoft identity platform, "Access tokens". */
const v1Issuers = ["https://sts.windows.net", "https://sts.chinacloudapi.cn"] as const;

const claimsSchema = z.object({
  tid: z.string(),
  oid: z.string().optional(),
  appid: z.string().optional(), // v1.0
  azp: z.string().optional(), // v2.0
  scp: z.string().optional(), // present: a person's token that an app got
  roles: z.array(z.string()).default([]),
});

/**
 * Checks tokens of one tenant: signature by its published keys, issuer, audience and time. The keys are fetched when
 * they are first needed, kept for ten minutes, and fetched again for a key id that is not among them.
 */
export function createReadToken({ tenantId, authority, audiences, network }: ReadTokenDeps): ReadToken {
  const keys = createRemoteJWKSet(new URL(`${authority}/${tenantId}/discovery/v2.0/keys`), {
    [customFetch]: createFetchKeys(network),
  });
  const issuers = [`${authority}/${tenantId}/v2.0`, ...v1Issuers.map((issuer) => `${issuer}/${tenantId}/`)];
  const options = {
    algorithms: ["RS256"],
    audience: [...audiences],
    issuer: issuers,
    clockTolerance: clockToleranceSeconds,
    requiredClaims: ["exp", "tid"],
  };
  return async (token) => {
    const payload = await verify(token, keys, options);
    const claims = claimsSchema.safeParse(payload);
    if (!claims.success) throw refused("its claims are not as expected");
    const { tid, oid, appid, azp, scp, roles } = claims.data;
    if (tid.toLowerCase() !== tenantId) throw refused("it is of another tenant");
    // With `scp` the app only carries a person's token: what that app may do by itself says nothing about the person.
    return { oid, appId: scp === undefined ? (appid ?? azp) : undefined, roles };
  };
}

const keysTimeoutMs = 5_000;
const maxKeysBytes = 1024 * 1024;

/** Gets keys as everything else is got: over the proxy, and from no address that the settings keep this process from. */
function createFetchKeys(network: Network): FetchImplementation {
  const agent = createGuardedAgent(network, {
    ...{ connections: 1, maxResponseSize: maxKeysBytes, keepAliveTimeout: 1_000 },
    ...{ connectTimeoutMs: keysTimeoutMs, headersTimeout: keysTimeoutMs, bodyTimeout: keysTimeoutMs },
  });
  return async (url, { headers, signal }) => {
    const { origin, pathname, search } = new URL(url);
    const answer = await agent.request({ origin, path: `${pathname}${search}`, method: "GET", headers, signal });
    return new Response(await answer.body.text(), { status: answer.statusCode });
  };
}

async function verify(
  token: string,
  keys: ReturnType<typeof createRemoteJWKSet>,
  options: Parameters<typeof jwtVerify>[2],
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, keys, options)).payload;
  } catch (cause) {
    const reason = reasonOf(cause);
    if (reason !== undefined) throw refused(reason, cause);
    throw new ImportError({
      code: "SIGN_IN_UNAVAILABLE",
      what: "the keys that tokens are checked with cannot be had",
      hint: "repeat the request; the operator can check ARM_AUTHORITY and ARM_TENANT_ID",
      retryable: true,
      cause,
    });
  }
}

/** What is wrong with the token, or undefined when the fault is not its own. Nothing of the token itself is repeated. */
function reasonOf(thrown: unknown): string | undefined {
  if (thrown instanceof errors.JWTExpired) return "it has expired";
  if (thrown instanceof errors.JWTClaimValidationFailed) return `its claim ${thrown.claim} is not the expected one`;
  if (thrown instanceof errors.JWKSNoMatchingKey) return "it is signed by none of the tenant's keys";
  if (thrown instanceof errors.JOSEAlgNotAllowed) return "its algorithm is not RS256";
  if (thrown instanceof errors.JWSSignatureVerificationFailed) return "its signature is wrong";
  const isMalformed = thrown instanceof errors.JWSInvalid || thrown instanceof errors.JWTInvalid;
  if (isMalformed || thrown instanceof errors.JOSENotSupported) return "it is no signed JWT that can be read";
  return undefined;
}

function refused(reason: string, cause?: unknown): ImportError {
  return new ImportError({
    code: "UNAUTHORIZED",
    what: `the bearer token was refused: ${reason}`,
    ...(cause === undefined ? {} : { cause }),
  });
}
