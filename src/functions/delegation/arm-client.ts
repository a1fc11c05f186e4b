import type { ContainerRegistryManagementClient, Registry } from "@azure/arm-containerregistry";
import type { TokenCredential } from "@azure/core-auth";
import type { HttpClient, HttpHeaders } from "@azure/core-rest-pipeline";
import { z } from "zod";
import { type DelegatedPlaces, importRefused, readRefused } from "../../domain/arm-refusal.ts";
import { parseRegistryResourceId, type RegistryResourceId } from "../../domain/arm-resource-id.ts";
import type { ImportParameters } from "../../domain/delegation.ts";
import { type ManifestState, readOperation } from "../../domain/operation-status.ts";
import { normaliseHost } from "../../domain/reference.ts";
import { type ErrorPlace, ImportError } from "../../errors.ts";
import { parseJson } from "../../json.ts";
import type { Network } from "../../registry/guarded-agent.ts";
import { parseRetryAfter } from "../../registry/retry.ts";
import { asSignInError, refusalOf, toRefusal } from "./arm-errors.ts";
import { createGuardedHttp } from "./guarded-http-client.ts";

export interface ArmClientDeps {
  /** e.g. `https://management.azure.com`; tokens are asked for `{endpoint}/.default`. */
  readonly endpoint: string;
  readonly network: Network;
  /** The app's identity. */
  readonly credential: () => TokenCredential;
  readonly userAgent: string;
  readonly now: () => Date;
}

/** `lost`: ARM knows no such operation (any more). */
export type OperationAnswer =
  | {
      readonly kind: "running";
      /** Undefined: ARM's answer before had another one, and it still counts. */
      readonly url: string | undefined;
      readonly retryAfterSeconds: number | undefined;
      readonly manifests: readonly ManifestState[];
    }
  | { readonly kind: "done"; readonly manifests: readonly ManifestState[] }
  | { readonly kind: "failed"; readonly error: ImportError }
  | { readonly kind: "lost" };

/** The part of Azure's resource manager that imports need. What it refuses is thrown as an ImportError. */
export interface ArmClient {
  /** Host of a registry. */
  readonly loginServerOf: (id: RegistryResourceId, place: ErrorPlace, signal: AbortSignal) => Promise<string>;
  /** The registry with this host, among those that the app's identity may read; undefined: none of them has it. */
  readonly findRegistry: (place: ErrorPlace, signal: AbortSignal) => Promise<RegistryResourceId | undefined>;
  /** Starts ACR's own import at `id`. A refusal of the import itself comes back as `failed`. */
  readonly startImport: (
    id: RegistryResourceId,
    parameters: ImportParameters,
    places: DelegatedPlaces,
    signal: AbortSignal,
  ) => Promise<OperationAnswer>;
  readonly readOperation: (url: string, places: DelegatedPlaces, signal: AbortSignal) => Promise<OperationAnswer>;
  readonly close: () => Promise<void>;
}

/** The SDK is loaded by the first import that needs it. It repeats nothing and follows no redirect: orchestrations wait. */
export function createArmClient(deps: ArmClientDeps): ArmClient {
  const { endpoint, network, userAgent, now } = deps;
  const http = createGuardedHttp(network);
  let credential: TokenCredential | undefined;
  const clients = new Map<string, Promise<ContainerRegistryManagementClient>>();

  /** One per side and subscription: each keeps the token that it was given last. */
  const clientFor = (place: ErrorPlace, subscription: string): Promise<ContainerRegistryManagementClient> => {
    const key = `${place.side} ${place.registry} ${subscription}`;
    const known = clients.get(key);
    if (known !== undefined) return known;
    if (clients.size >= maxClients) clients.clear();
    const opened = open(place, subscription);
    clients.set(key, opened);
    return opened;
  };

  /** Every request of the SDK bears the token, those too that follow a `nextLink`. */
  const httpFor = (place: ErrorPlace): HttpClient => {
    const client = http.clientFor(place);
    return {
      sendRequest: async (request) => {
        assertAtArm(request.url, endpoint, place);
        return await client.sendRequest(request);
      },
    };
  };

  const open = async (place: ErrorPlace, subscription: string): Promise<ContainerRegistryManagementClient> => {
    const { ContainerRegistryManagementClient: Client } = await import("@azure/arm-containerregistry");
    credential ??= deps.credential();
    return new Client(credential, subscription, {
      endpoint,
      httpClient: httpFor(place),
      retryOptions: { maxRetries: 0 },
      redirectOptions: { maxRetries: 0 },
      userAgentOptions: { userAgentPrefix: userAgent },
    });
  };

  const get = async (
    client: ContainerRegistryManagementClient,
    url: string,
    place: ErrorPlace,
    signal: AbortSignal,
  ) => {
    const { createPipelineRequest } = await import("@azure/core-rest-pipeline");
    const request = createPipelineRequest({ url, method: "GET", abortSignal: signal });
    return await client.pipeline.sendRequest(httpFor(place), request);
  };

  /** What a request that is no import failed with. */
  const asReadError = (place: ErrorPlace, thrown: unknown, signal: AbortSignal): unknown => {
    signal.throwIfAborted();
    const refusal = refusalOf(thrown, now());
    return refusal === undefined ? asSignInError(place, thrown) : readRefused(place, refusal);
  };

  const listSubscriptions = async (place: ErrorPlace, signal: AbortSignal): Promise<readonly string[]> => {
    const found: string[] = [];
    let url: string | undefined = `${endpoint}/subscriptions?api-version=${subscriptionsVersion}`;
    for (let page = 0; url !== undefined && page < maxPages && found.length < maxSubscriptions; page += 1) {
      const response = await get(await clientFor(place, "any"), url, place, signal);
      if (response.status !== 200) throw readRefused(place, toRefusal(response, now()));
      const list = subscriptionsSchema.parse(parseJson(response.bodyAsText ?? ""));
      found.push(...list.value.map(({ subscriptionId }) => subscriptionId));
      url = list.nextLink ?? undefined;
    }
    return found.slice(0, maxSubscriptions);
  };

  const findIn = async (subscription: string, place: ErrorPlace, signal: AbortSignal) => {
    const { registries } = await clientFor(place, subscription);
    for await (const registry of registries.list({ abortSignal: signal })) {
      signal.throwIfAborted(); // the SDK hands it on to the first page only
      if (hostOf(registry) === place.registry) return parseRegistryResourceId(registry.id ?? "");
    }
    return undefined;
  };

  const toAnswer = (response: Answered, places: DelegatedPlaces): OperationAnswer => {
    const status = readOperation(response.status, parseJson(response.bodyAsText ?? ""));
    switch (status.kind) {
      case "failed": {
        const { code, message } = status;
        const refusal = { ...toRefusal(response, now()), code, message };
        return { kind: "failed", error: importRefused(places, refusal) };
      }
      case "done":
        return { kind: "done", manifests: status.manifests };
      case "running": {
        const { headers } = response;
        const url = headers.get("azure-asyncoperation") ?? headers.get("location");
        if (url !== undefined) assertAtArm(url, endpoint, places.target);
        const retryAfterSeconds = parseRetryAfter(headers.get("retry-after"), now());
        return { kind: "running", url, retryAfterSeconds, manifests: status.manifests };
      }
    }
  };

  return {
    loginServerOf: async (id, place, signal) => {
      try {
        const { registries } = await clientFor(place, id.subscription);
        const host = hostOf(await registries.get(id.group, id.name, { abortSignal: signal }));
        if (host !== undefined) return host;
      } catch (thrown) {
        throw asReadError(place, thrown, signal);
      }
      throw new ImportError({
        ...place,
        code: place.side === "source" ? "SOURCE_NOT_FOUND" : "TARGET_REGISTRY_MISSING",
        what: `Azure tells no login server of ${id.name}`,
        hint: "the registry may just be created or deleted",
      });
    },
    findRegistry: async (place, signal) => {
      try {
        for (const subscription of await listSubscriptions(place, signal)) {
          const found = await findIn(subscription, place, signal);
          if (found !== undefined) return found;
        }
        return undefined;
      } catch (thrown) {
        throw asReadError(place, thrown, signal);
      }
    },
    startImport: async (id, parameters, places, signal) => {
      let answered: Answered | undefined;
      try {
        const { registries } = await clientFor(places.target, id.subscription);
        await registries
          .importImage(id.group, id.name, parameters, {
            abortSignal: signal,
            onResponse: ({ status, headers, bodyAsText }) => {
              answered = { status, headers, bodyAsText: bodyAsText ?? "" };
            },
          })
          .submitted(); // the SDK's poller would drop what ACR tells of manifests
      } catch (thrown) {
        signal.throwIfAborted();
        const refusal = refusalOf(thrown, now());
        if (refusal === undefined) throw asSignInError(places.target, thrown);
        return { kind: "failed", error: importRefused(places, refusal) };
      }
      if (answered === undefined) throw new Error("the SDK has told of no response");
      return toAnswer(answered, places);
    },
    readOperation: async (url, places, signal) => {
      try {
        const response = await get(await clientFor(places.target, "any"), url, places.target, signal);
        if (response.status === 404 || response.status === 410) return { kind: "lost" };
        if (isUnanswered(response.status)) throw readRefused(places.target, toRefusal(response, now()));
        return toAnswer({ ...response, bodyAsText: response.bodyAsText ?? "" }, places);
      } catch (thrown) {
        throw asReadError(places.target, thrown, signal);
      }
    },
    close: http.close,
  };
}

const maxClients = 200;
const maxSubscriptions = 50;
const maxPages = 50;
const subscriptionsVersion = "2022-12-01";
const subscriptionsSchema = z.object({
  value: z.array(z.object({ subscriptionId: z.string() })),
  nextLink: z.string().min(1).nullish().catch(undefined),
});

interface Answered {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly bodyAsText: string;
}

/** The question was not answered: it says nothing about the operation. */
function isUnanswered(status: number): boolean {
  return status >= 500 || [401, 403, 408, 429].includes(status);
}

function hostOf({ loginServer }: Registry): string | undefined {
  return loginServer === undefined ? undefined : normaliseHost(loginServer);
}

/** The token goes to ARM alone, whatever an answer names as the place of an operation or of the next page. */
function assertAtArm(url: string, endpoint: string, place: ErrorPlace): void {
  if (URL.canParse(url) && new URL(url).origin === new URL(endpoint).origin) return;
  throw new ImportError({
    ...place,
    code: place.side === "source" ? "SOURCE_UNAVAILABLE" : "TARGET_UNAVAILABLE",
    what: "Azure's resource manager names an operation or a page at another host",
    hint: "check ARM_ENDPOINT",
  });
}
