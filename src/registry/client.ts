import { KiB } from "../descriptor.ts";
import { createAuthorizer } from "./authorizer.ts";
import { apiHostOf } from "./docker-hub.ts";
import type { Network } from "./guarded-agent.ts";
import type { HostBoard } from "./host-board.ts";
import { createKnownHost, type KnownHost } from "./known-host.ts";
import type { ObserveRequest } from "./observe-request.ts";
import type { RegistryProfile } from "./profiles.ts";
import { createRecentMap } from "./recent-map.ts";
import type { Action, Registry, RegistryAccess, RegistryClient, RegistryRequest, Repository } from "./registry.ts";
import type { RequestClass } from "./request-class.ts";
import { createRetry } from "./retry.ts";
import { actionsIn, catalogScope, mergeScopes, noScope, repositoryScope } from "./scopes.ts";
import { createSender } from "./sender.ts";
import type { Sending } from "./sending.ts";
import { endOf, signInHint } from "./sign-in-hint.ts";
import type { TokenRequest } from "./token-request.ts";
import { createTokens } from "./tokens.ts";
import { createTransport } from "./transport.ts";

export interface ClientLimits {
  /** Requests in flight per host, from sending to the end of the answer: of each class, and downloads of blobs apart. */
  readonly requestsPerHost: number;
  /** No more than so many of them at a time are downloads of blobs, and no more than so many are writes. */
  readonly connectionsPerHost: number;
  /** Tries of an idempotent request, the first one included. */
  readonly attempts: number;
  readonly connectTimeoutMs: number;
  /** From the last byte of a request to the head of its answer. */
  readonly headersTimeoutMs: number;
  /** Without a byte while body bytes are due, in either direction. */
  readonly stallMs: number;
  /** A registry that asks to wait longer than this is not waited for here: the error says how long. */
  readonly maxWaitSeconds: number;
  /** Processes that share what a registry grants. */
  readonly limitShares: number;
}

export const defaultLimits: ClientLimits = {
  connectionsPerHost: 32,
  requestsPerHost: 32,
  attempts: 5,
  connectTimeoutMs: 10_000,
  headersTimeoutMs: 60_000,
  stallMs: 30_000,
  maxWaitSeconds: 60,
  limitShares: 1,
};

export interface RegistryClientDeps {
  readonly limits: ClientLimits;
  readonly network: Network;
  readonly board: HostBoard;
  readonly userAgent: string;
  /** In [0, 1). */
  readonly random: () => number;
  /** Rejects with the signal's reason. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly now: () => Date;
  /** Milliseconds of a clock that nobody sets back. */
  readonly elapsedMs: () => number;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
  readonly observe: ObserveRequest;
}

/** Opens registries over shared connections, limits, tokens and learned facts: one client per process. */
export function createRegistryClient(deps: RegistryClientDeps): RegistryClient {
  const { limits, now } = deps;
  const transport = createTransport({ ...limits, network: deps.network });
  const send = createSender({ ...deps, ...limits, transport, retry: createRetry({ ...deps, ...limits }) });
  const tokens = createTokens({ now, fetch: fetchToken });
  const hosts = createRecentMap<KnownHost>(maxHosts);

  const hostFor = (name: string): KnownHost =>
    hosts.getOrCreate(name, () => createKnownHost({ ...deps, ...limits, host: name }));

  async function fetchToken(
    access: RegistryAccess,
    { url, authorization, form }: TokenRequest,
    signal: AbortSignal,
  ): Promise<string> {
    const content = form && Buffer.from(new URLSearchParams(form).toString(), "utf8");
    const sending: Sending = {
      access,
      limits: hostFor(url.host).limitsOf(access),
      requestClass: "token",
      method: content === undefined ? "GET" : "POST",
      url,
      subject: `token of ${url.host}`,
      accept: [200],
      headers: {
        ...(authorization === undefined ? {} : { authorization }),
        ...(content === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
      },
      ...(content === undefined ? {} : { body: { lengthBytes: content.byteLength, content } }),
      wholeBytes: maxTokenBytes,
      signInHint: signInHint(access),
      signInEndsAt: endOf(access.credentials),
    };
    await using response = await send(sending, signal);
    return await response.text(maxTokenBytes);
  }

  const open = (access: RegistryAccess): Registry => {
    const apiHost = apiHostOf(access.registry);
    const base = new URL(`${access.insecure ? "http" : "https"}://${apiHost}`);
    const host = hostFor(apiHost);
    const { signIn, learned, learn, recognise } = host;
    const accountLimits = host.limitsOf(access);

    const sendAs =
      ({ root, scope, about }: Sender): Repository["send"] =>
      async ({ target, pullFrom = [], ...request }, signal) => {
        const url = "url" in target ? atHost(new URL(target.url), base) : new URL(`${root}${target.path}`, base);
        const scopes = mergeScopes([scope, ...pullFrom.map((from) => repositoryScope(from, ["pull"]))]);
        const profile = host.profileOf(access);
        const sending: Sending = {
          ...request,
          access,
          limits: accountLimits,
          requestClass: requestClassOf(request.method, target, profile),
          isDownload: isDownload(request, target),
          quotaClass: profile.countsPulls ? "pull" : undefined,
          url,
          subject: subjectOf(about, target),
          // A Location or Link may lead to another host: nobody signs in there, and it says nothing of this one.
          ...(url.origin === base.origin
            ? { authorizer: createAuthorizer({ access, signIn, tokens, scopes }), recognise }
            : {}),
        };
        return await send(sending, signal);
      };
    const repository = (name: string, actions: readonly Action[]): Repository => ({
      registry,
      name,
      send: sendAs({ root: `/v2/${name}/`, scope: repositoryScope(name, actions), about: name }),
      acquireDownload: async (signal) => {
        const release = await accountLimits.acquire("download", access, signal);
        let isTurn = true; // it has come with the slot
        const turn = async (signal: AbortSignal): Promise<void> => {
          if (!isTurn) await accountLimits.turn("read", access, signal);
          isTurn = false;
        };
        return { release, turn };
      },
      tryAcquireDownload: () => {
        const release = accountLimits.tryAcquire("download");
        return release && { release, turn: (signal) => accountLimits.turn("read", access, signal) };
      },
    });
    const ping: Registry["ping"] = async (signal) => {
      // What ACR answers to a refresh token without a scope is not known; this one is what the Azure CLI asks for.
      const scope = access.credentials.kind === "entra" ? catalogScope : noScope;
      const send = sendAs({ root: "/v2/", scope, about: "the API" });
      await using _response = await send({ method: "GET", target: { path: "" }, accept: [200], retry: "once" }, signal);
      return signIn.scheme?.kind ?? "none";
    };
    const grantsIn: Registry["grantsIn"] = async (name, actions, signal) => {
      const scopes = [repositoryScope(name, actions)];
      const token = await createAuthorizer({ access, signIn, tokens, scopes }).newToken(signal);
      return token === undefined ? undefined : actionsIn(name, token);
    };
    const registry: Registry = {
      ...{ access, apiHost, learned, learn, repository, ping, grantsIn },
      get profile() {
        return host.profileOf(access);
      },
      recall: host.sync,
      sendToCatalog: sendAs({ root: "/v2/", scope: catalogScope, about: "the registry" }),
    };
    return registry;
  };

  const exchange: RegistryClient["exchange"] = (access, signal) => {
    const { scheme } = hostFor(access.registry).signIn;
    const service = scheme?.kind === "bearer" ? scheme.service : undefined;
    return tokens.exchange(access, service ?? access.registry, signal);
  };
  const stateOf: RegistryClient["stateOf"] = (registry) => {
    const own = hostFor(apiHostOf(registry));
    const { scheme } = own.signIn;
    const tokenHost = scheme?.kind === "bearer" ? URL.parse(scheme.realm)?.host : undefined;
    const { pauses, budgets } = own.state();
    const issuer = tokenHost === undefined || tokenHost === own.host ? undefined : hosts.get(tokenHost)?.state();
    if (issuer === undefined) return { pauses, budgets };
    // Nothing else is asked there: whatever holds it back holds back this registry's tokens.
    const held = issuer.pauses.map(({ until, reason }) => ({
      ...{ requestClass: "token" as const, until },
      reason: `${reason} (${tokenHost})`,
    }));
    return { pauses: [...pauses, ...held], budgets: [...budgets, ...issuer.budgets] };
  };

  return { open, exchange, stateOf, close: transport.close };
}

/** Below which path requests go, with which right, and what errors say they were about. */
interface Sender {
  readonly root: string;
  readonly scope: string;
  readonly about: string;
}

const maxHosts = 1_000;
const maxTokenBytes = 256 * KiB; // tokens with many claims exceed 64 KiB at some identity providers

/** A registry behind a TLS proxy may hand out http URLs of itself: they are meant to be asked as the registry is. */
function atHost(url: URL, base: URL): URL {
  const isItself = url.hostname === base.hostname && (url.port === base.port || url.port === "");
  if (isItself && url.protocol === "http:" && base.protocol === "https:") {
    return new URL(`${url.pathname}${url.search}`, base);
  }
  return url;
}

function isDownload(
  { method, wants }: Pick<RegistryRequest, "method" | "wants">,
  target: RegistryRequest["target"],
): boolean {
  return method === "GET" && wants !== "head" && "path" in target && target.path.startsWith("blobs/");
}

function requestClassOf(
  method: RegistryRequest["method"],
  target: RegistryRequest["target"],
  { countsPulls }: RegistryProfile,
): RequestClass {
  if (method !== "GET" && method !== "HEAD") return "write";
  if (countsPulls && method === "GET" && "path" in target && target.path.startsWith("manifests/")) return "pull";
  const isReferrers =
    "path" in target
      ? target.path.startsWith("referrers/")
      : /^\/v2\/.+\/referrers\/[^/]+$/.test(new URL(target.url).pathname);
  return isReferrers ? "referrers" : "read";
}

/** `manifests/3.20 of library/alpine`. A URL that was handed out may be signed: it is not named. */
function subjectOf(name: string, target: RegistryRequest["target"]): string {
  if ("url" in target) return `an upload or page of ${name}`;
  const path = target.path.split("?", 1).join("");
  return path === "" ? name : `${path} of ${name}`;
}
