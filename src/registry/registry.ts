import type { ErrorPlace } from "../errors.ts";
import type { HostFacts } from "./host-board.ts";
import type { HostState } from "./limits.ts";
import type { RegistryProfile } from "./profiles.ts";
import type { RateLimits } from "./rate-limits.ts";
import type { RecentMap } from "./recent-map.ts";

/** User and password, as registries and token services take them. */
export interface UserPassword {
  readonly username: string;
  readonly password: string;
}

interface Given {
  /** When a token ends that a request brought: nobody here can renew it, only its giver. */
  readonly endsAt?: Date | undefined;
}

/** How to sign in at a registry. `account` names whose credentials those are that renew themselves, and is no secret. */
export type Credentials =
  | { readonly kind: "anonymous" }
  | ({ readonly kind: "password" } & UserPassword)
  /** A refresh token of the registry's own token service: what `docker login` calls an identity token. */
  | ({ readonly kind: "identityToken"; readonly token: string } & Given)
  /** Microsoft Entra, at an Azure Container Registry. `accessToken` throws the ImportError of that side. */
  | ({
      readonly kind: "entra";
      readonly account: string;
      readonly accessToken: (place: ErrorPlace, signal: AbortSignal) => Promise<string>;
    } & Given)
  /** `refused`: what was given before and not taken. The same object again: there is no other. */
  | {
      readonly kind: "expiring";
      readonly account: string;
      readonly current: (
        place: ErrorPlace,
        refused: UserPassword | undefined,
        signal: AbortSignal,
      ) => Promise<UserPassword>;
    };

/** One side of one import: who asks which registry with what, and where errors say they happened. */
export interface RegistryAccess extends ErrorPlace {
  readonly credentials: Credentials;
  /**
   * Who has given the credentials, for hints: a request, or the registry's entry. `settings`: nobody, and no request
   * could. Absent: nobody, and the request for a source could.
   */
  readonly credentialsFrom?: "request" | "entry" | "settings" | undefined;
  /** Plain http instead of https: only for hosts that the operator named. */
  readonly insecure: boolean;
  /** Name of a profile that overrides the one found by host. */
  readonly profile?: string;
  /** What the registry grants the account, where the operator says so; else what the profile knows. */
  readonly limits?: RateLimits;
}

export type Action = "pull" | "push";

export interface RequestBody {
  /** Announced as Content-Length; content of any other length fails the request. */
  readonly lengthBytes: number;
  /** Bytes can be sent again by a retry; a stream cannot: such a request is tried once. */
  readonly content: Uint8Array | AsyncIterable<Uint8Array>;
}

export interface RegistryRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `path` below `/v2/{repository}/`, or an absolute `url` that the registry handed out (Location, Link). */
  readonly target: { readonly path: string } | { readonly url: string };
  /** Statuses this call understands, or which answers it does; any other becomes an ImportError made by `send`. */
  readonly accept: readonly number[] | ((answer: AnswerHead) => boolean);
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  /** Further repositories to be pulled from by the same token (cross-repository mount). */
  readonly pullFrom?: readonly string[];
  /**
   * `idempotent` (default): failed connections, 408, 429 and 5xx are tried again as the limits say.
   * `once`: the caller knows what a second try would mean and decides itself.
   */
  readonly retry?: "idempotent" | "once";
  /** `own`: a redirect to another host is not followed, and is itself the answer. Default: all are followed. */
  readonly redirects?: "all" | "own";
  /**
   * Reads the body of a 200 within the try, failing beyond so many bytes: one that breaks off is asked for again. Absent:
   * whoever reads the body sees what becomes of it.
   */
  readonly wholeBytes?: number | undefined;
  /** `head`: a GET whose body is left, which is no download. Default: `content`. */
  readonly wants?: "content" | "head";
  /** Nobody needs what it is for: that a host goes on refusing it holds nobody back for longer. */
  readonly isBackground?: boolean;
  /**
   * One that the caller holds at this very host, and keeps: the request waits for no other. Only downloads of blobs have
   * theirs from one request to the next.
   */
  readonly slot?: DownloadSlot | undefined;
  /** How long to wait for the response head after the request was sent. Default: the client's setting. */
  readonly headersTimeoutMs?: number;
}

export interface AnswerHead {
  readonly status: number;
  /** One header by its lower-case name. */
  readonly header: (name: string) => string | undefined;
  /** The host that was asked has answered, and not another one that it redirected to. */
  readonly isOwn: boolean;
}

export interface RegistryResponse extends AnswerHead, AsyncDisposable {
  /** The URL that answered, after redirects. Location and Link are relative to it. */
  readonly url: string;
  /** The body; fails with the ImportError of this side when the connection breaks or stalls. Ends are not checked. */
  readonly content: AsyncIterable<Uint8Array>;
  /** The whole body as text, failing beyond `maxBytes`. */
  readonly text: (maxBytes: number) => Promise<string>;
  readonly bytes: (maxBytes: number) => Promise<Uint8Array>;
}

/** Room for the download of a blob among those that its host may see at once. */
export interface DownloadSlot {
  /** Waits until the next request of it may leave. */
  readonly turn: (signal: AbortSignal) => Promise<void>;
  readonly release: () => void;
}

/** A repository at a registry, reached with the rights of `actions`. All traffic goes through `send`. */
export interface Repository {
  readonly registry: Registry;
  readonly name: string;
  readonly send: (request: RegistryRequest, signal: AbortSignal) => Promise<RegistryResponse>;
  /** Waits for a slot, to be held over all the requests that the download of one blob takes. */
  readonly acquireDownload: (signal: AbortSignal) => Promise<DownloadSlot>;
  /** A further slot for the same blob, if nobody waits for it. */
  readonly tryAcquireDownload: () => DownloadSlot | undefined;
}

export interface Registry {
  readonly access: RegistryAccess;
  /** Host and port of the API, e.g. `registry-1.docker.io`. */
  readonly apiHost: string;
  /** As far as it is known by now: by the host, by name, by answers, and by what was learned. */
  readonly profile: RegistryProfile;
  /** What this process has learned about the host; shared by all who open it. */
  readonly learned: LearnedHost;
  /** Keeps what was found out, for the other processes too. */
  readonly learn: (facts: HostFacts) => void;
  /** Makes sure that what other processes have found out is known here, before something is decided by it. */
  readonly recall: (signal: AbortSignal) => Promise<void>;
  readonly repository: (name: string, actions: readonly Action[]) => Repository;
  /** Sends with the right to list repositories; paths are below `/v2/`. */
  readonly sendToCatalog: Repository["send"];
  /** Whether the API is there and takes the credentials, and how it does: one try, and no right is asked for. */
  readonly ping: (signal: AbortSignal) => Promise<"none" | "basic" | "bearer">;
  /**
   * What a new token says to grant in a repository, asked for `actions` there. Undefined where there are no tokens, or
   * they do not tell. After a `ping`.
   */
  readonly grantsIn: (
    name: string,
    actions: readonly Action[],
    signal: AbortSignal,
  ) => Promise<readonly string[] | undefined>;
}

/** Facts learned at run time about one host. Mutable by design: one object per host and process. */
export interface LearnedHost {
  /** Set by a 413: whole-blob PUTs are refused, chunks of at most this size go. */
  maxPutBytes: number | undefined;
  /** PATCH was refused as such: blobs go whole. */
  refusesChunks: boolean;
  /** By source host: moving average of blobs from there, bytes per second. The slower side of the two decides it. */
  readonly uploadRates: RecentMap<number>;
}

export interface RegistryClient {
  /** Cheap: no request is made. Connections, limits, tokens and learned facts are shared per host. */
  readonly open: (access: RegistryAccess) => Registry;
  /** Exchanges the Entra token of `access` for the refresh token that an ACR gives for it. */
  readonly exchange: (access: RegistryAccess, signal: AbortSignal) => Promise<string>;
  /** What holds requests to a registry, or for its tokens, back just now, as this process knows it. */
  readonly stateOf: (registry: string) => HostState;
  readonly close: () => Promise<void>;
}
